"""What each number means, in one or two sentences, by its name. Shown beside it everywhere."""

DEFINITIONS = {
    "delivered": "Mails that a mail server accepted and that have not come back since.",
    "clicks": "Clicks by people on links of the mail. Clicks of security scanners and other "
    "machines are filtered out.",
    "filtered": "Clicks that are not counted because a machine made them.",
    "uncertain_clicks": "Clicks that could have been a person's or a machine's. They are not "
    "counted.",
    "clickers": "Subscribers who clicked at least one link.",
    "clickers_about": "Visitors who clicked at least one link, about: a visitor is one device and "
    "network within a day, because this publication does not count individual subscribers.",
    "click_rate": "People who clicked, as a share of the mails delivered.",
    "opens": "Opens by people, as far as a picture in the mail shows them. Many mail programs hide "
    "or invent opens, so compare them only with each other.",
    "uncertain_opens": "Opens by the mailbox provider (Apple, Gmail, Yahoo): a person may have "
    "opened the mail or not.",
    "unsubscribes": "Subscribers who unsubscribed with the link in this mail.",
    "unsubscribe_rate": "Unsubscribes as a share of the mails delivered.",
    "bounces": "Mails that were refused for good, or accepted and returned later.",
    "bounce_rate": "Bounces as a share of the mails sent and refused.",
    "complaints": "Subscribers who marked the mail as spam, where their provider reports it.",
    "complaint_rate": "Complaints as a share of the mails delivered. Gmail and Yahoo expect less "
    "than 0.1 %.",
    "average": "The issues of this newsletter before this one, at most 20, taken together.",
    "unique_clicks": "People who clicked this link, each counted once.",
    "first_clickers": "People whose first click in the issue came in this hour. Each is counted "
    "once, however many links they click.",
    "answers": "People who chose this answer. Who chooses two is counted in both.",
    "answer_share": "People who chose this answer, as a share of all answers to the question.",
    "list_size": "Active subscriptions, those that are paused included.",
    "joined": "Subscriptions that were confirmed or imported.",
    "left": "Subscriptions that ended: unsubscribed, or erased.",
    "source": "Where the subscriber signed up.",
    "origin": "The page with the form, and the utm parameters of its address.",
    "requests": "People who sent the form.",
    "confirmed": "Those of them who confirmed afterwards.",
    "retention": "Of those who joined in a month, the share still subscribed so many months later.",
    "best": "Ordered by the lower end of the 95 % interval of the click rate, so that a few clicks "
    "on a small issue do not win.",
    "clicks_per_story": "People who clicked a story, on average over the stories with this topic.",
    "impressions": "Mails sent with this message in it. Where it is for a segment or for topics, "
    "about: by the share of the subscribers it was for when the issue was planned.",
    "click_share": "People who clicked the message, as a share of its impressions.",
}


def define(name: str, *, of_visitors: bool = False) -> str:
    """Return what a number means; `of_visitors`: where nobody is named (aggregate)."""
    return DEFINITIONS.get(f"{name}_about" if of_visitors else name) or DEFINITIONS[name]
