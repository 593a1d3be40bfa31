import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="webhook",
            name="events",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("subscriber.subscribed", "a subscriber has confirmed a newsletter"),
                        (
                            "subscriber.unsubscribed",
                            "a subscriber has unsubscribed from a newsletter",
                        ),
                        ("issue.sent", "an issue has been sent to everyone"),
                        (
                            "issue.statistics",
                            "an issue's numbers, a day and a week after it was sent",
                        ),
                        ("delivery.bounced", "an issue was refused permanently, or came back"),
                        ("delivery.complained", "a subscriber has marked an issue as spam"),
                    ],
                    max_length=32,
                ),
                size=None,
            ),
        ),
        migrations.AlterField(
            model_name="webhookdelivery",
            name="event",
            field=models.CharField(
                choices=[
                    ("subscriber.subscribed", "a subscriber has confirmed a newsletter"),
                    ("subscriber.unsubscribed", "a subscriber has unsubscribed from a newsletter"),
                    ("issue.sent", "an issue has been sent to everyone"),
                    ("issue.statistics", "an issue's numbers, a day and a week after it was sent"),
                    ("delivery.bounced", "an issue was refused permanently, or came back"),
                    ("delivery.complained", "a subscriber has marked an issue as spam"),
                ],
                max_length=32,
            ),
        ),
    ]
