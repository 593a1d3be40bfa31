"""Exports of other services, in their own forms and with made-up people: zip, CSV, JSON."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_MEMBER = (
    "Email Address,First Name,Last Name,Interests,Birthday,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,"
    "CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,"
    "EUID,NOTES,TAGS"
)
_LEFT = "UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER"
_CLEANED = "CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID"
PAGE = """<!doctype html><html><head><title>x</title><style>.a{color:red}</style></head><body>
<span class="mcnPreviewText" style="display:none">A preview text</span>
<table><tr><td><h1>Seals return</h1><p>Hello *|FNAME|*, the seals are back.</p>
<p><a href="https://courier.example/seals">Read more</a></p>
<img src="https://mcusercontent.example/seal.jpg" width="600" alt="A seal">
<img src="https://track.example/open.gif" width="1" height="1">
<script>alert(1)</script><p onclick="alert(2)">Tides</p>
<a href="*|UNSUB|*">unsubscribe from this list</a></td></tr></table></body></html>"""


def table(headings: str, rows: Iterable[Mapping[str, str]]) -> str:
    """A CSV file with these headings; what a row does not have is empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, headings.split(","), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def zipped(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """A zip archive of these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def mailchimp_member(email: str, **fields: str) -> dict[str, str]:
    """A row of an audience's export."""
    return {
        "Email Address": email,
        "First Name": "Ines",
        "MEMBER_RATING": "2",
        "OPTIN_TIME": "2019-05-03 10:00:00",
        "OPTIN_IP": "192.0.2.7",
        "CONFIRM_TIME": "2019-05-03 10:05:00",
        "CONFIRM_IP": "192.0.2.8",
        "TIMEZONE": "Europe/Paris",
        "LEID": "1",
        "EUID": "a1",
        **fields,
    }


def mailchimp_audience() -> dict[str, str]:
    """The files of an audience: subscribed, unsubscribed, cleaned, non-subscribed."""
    return {
        "subscribed_email_audience_export_1a2b.csv": table(
            _MEMBER,
            [
                mailchimp_member(
                    "ines@mc.example", TAGS='"Press","VIP"', Interests="Culture", Birthday="05/03"
                ),
                mailchimp_member("bob@mc.example"),
                mailchimp_member("left@mc.example"),  # and in the list of those who left
            ],
        ),
        "unsubscribed_email_audience_export_1a2b.csv": table(
            f"{_MEMBER},{_LEFT}",
            [mailchimp_member("left@mc.example", UNSUB_TIME="2021-01-01 10:00:00")],
        ),
        "cleaned_email_audience_export_1a2b.csv": table(
            f"{_MEMBER},{_CLEANED}",
            [mailchimp_member("gone@mc.example", CLEAN_TIME="2021-01-01 10:00:00")],
        ),
        "nonsubscribed_email_audience_export_1a2b.csv": table(
            _MEMBER, [mailchimp_member("shop@mc.example", OPTIN_TIME="", CONFIRM_TIME="")]
        ),
    }


def mailchimp_account() -> dict[str, str]:
    """The files of an account: an audience, campaigns, and reports with addresses."""
    campaigns = "Title,Subject,List,Send Date,Send Weekday,Total Recipients,Unique Id"
    audience = mailchimp_audience().items()
    return {
        **{f"7/lists/{name}": content for name, content in audience},
        "7/campaigns.csv": table(
            campaigns,
            [
                {
                    "Title": "Tide 24: Seals return",
                    "Subject": "Seals return 🦭",
                    "Send Date": "May 19, 2019 06:00 pm",
                    "Unique Id": "u24",
                },
                {"Title": "A draft", "Subject": "Not yet", "Unique Id": "u25"},
                {
                    "Title": "Lost",
                    "Subject": "Its page is missing",
                    "Send Date": "May 20, 2019 06:00 pm",
                    "Unique Id": "u26",
                },
            ],
        ),
        "7/campaigns_content/12020101_tide-24-seals-return.html": PAGE,
        "7/campaigns_content/12020101_tide-24-seals-return.txt": "Seals return",
        "7/granular_activity/opens/12020101.csv": "Email,Opened At\nclicker@mc.example,2019\n",
    }


def ghost_post(**fields: Any) -> dict[str, Any]:
    """A post of a site's export."""
    return {
        "id": "p1",
        "uuid": "0b1c",
        "title": "Seals return",
        "slug": "seals",
        "type": "post",
        "status": "published",
        "visibility": "public",
        "html": "<p>The seals are back.</p><!--members-only--><p>For members.</p>",
        "custom_excerpt": "All fourteen of them",
        "published_at": "2023-04-05T06:00:00.000Z",
        "newsletter_id": None,
        **fields,
    }


def ghost_json(posts: list[dict[str, Any]], newsletters: Iterable[str] = ("Tide",)) -> str:
    """A site's export."""
    rows = [
        {"id": f"n{number}", "name": name, "status": "active"}
        for number, name in enumerate(newsletters)
    ]
    data = {"posts": posts, "posts_meta": [], "newsletters": rows}
    return json.dumps({"db": [{"meta": {"exported_on": 1, "version": "5.9"}, "data": data}]})


GHOST_MEMBERS = (
    "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,"
    "deleted_at,labels,tiers\n"
    "1,ana@gh.example,Ana,,true,,,2022-01-02T10:00:00.000Z,,VIP,\n"
    "2,ben@gh.example,Ben,,false,,,2022-01-02T10:00:00.000Z,,,\n"
    "3,cid@gh.example,Cid,,true,,,2022-01-02T10:00:00.000Z,2023-01-02T10:00:00.000Z,,\n"
)
LISTMONK = (
    "uuid,email,name,attributes,status,created_at,updated_at\n"
    '1f,ana@lm.example,Ana,"{""city"": ""Ulm""}",enabled,2022-01-02 10:00:00 +0000 UTC,x\n'
    "2f,ben@lm.example,Ben,{},blocklisted,2022-01-02 10:00:00 +0000 UTC,x\n"
    "3f,cid@lm.example,Cid,{},disabled,2022-01-02 10:00:00 +0000 UTC,x\n"
)
MAILPOET = (
    '"Email","First name","Last name","List","List status","Global status","Created at"\n'
    "ana@mp.example,Ana,A,Tide,Subscribed,Subscribed,2022-01-02 10:00:00\n"
    "ben@mp.example,Ben,B,Tide,Unsubscribed,Subscribed,2022-01-02 10:00:00\n"
    "cid@mp.example,Cid,C,Tide,Subscribed,Bounced,2022-01-02 10:00:00\n"
    "dee@mp.example,Dee,D,Tide,Unconfirmed,Unconfirmed,2022-01-02 10:00:00\n"
    "eva@mp.example,Eva,E,Sport,Subscribed,Subscribed,2022-01-02 10:00:00\n"
)
BEEHIIV = (
    "email,status,subscription_tier,created_at,utm_source,tags\n"
    "ana@bh.example,active,free,2022-01-02 10:00:00,web,press\n"
    "ben@bh.example,inactive,free,2022-01-02 10:00:00,web,\n"
    "cid@bh.example,validating,free,2022-01-02 10:00:00,web,\n"
)
BUTTONDOWN = (
    "email_address,type,creation_date,referrer_url,tags,metadata,ip_address,unsubscription_date\n"
    'ana@bd.example,regular,2022-01-02T10:00:00Z,,"press, vip",{},192.0.2.9,\n'
    "ben@bd.example,unsubscribed,2022-01-02T10:00:00Z,,,{},,2023-01-02T10:00:00Z\n"
    "cid@bd.example,unactivated,2022-01-02T10:00:00Z,,,{},,\n"
)


def substack() -> dict[str, str]:
    """A publication's export: people, posts for everybody, for paying ones, and a draft."""
    return {
        "email_list.tide.csv": (
            "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n"
            "ana@ss.example,false,,other,false,2022-01-02T10:00:00.000Z,\n"
            "ben@ss.example,false,,other,true,2022-01-02T10:00:00.000Z,\n"
        ),
        "posts.csv": (
            "post_id,post_date,is_published,email_sent_at,inbox_sent_at,type,audience,title,"
            "subtitle,podcast_url\n"
            "101.seals,2023-04-05T06:00:00.000Z,true,2023-04-05T06:01:00.000Z,,newsletter,everyone,"
            "Seals return,All of them,\n"
            "102.paid,2023-04-06T06:00:00.000Z,true,,,newsletter,only_paid,Only for you,,\n"
            "103.draft,,false,,,newsletter,everyone,A draft,,\n"
            "104.lost,2023-04-07T06:00:00.000Z,true,,,newsletter,everyone,Lost,,\n"
        ),
        "posts/101.seals.html": "<p>The seals are back.</p>",
        "posts/102.paid.html": "<p>Secret.</p>",
        "posts/101.seals.opens.csv": "email,opened\nclicker@ss.example,1\n",
    }
