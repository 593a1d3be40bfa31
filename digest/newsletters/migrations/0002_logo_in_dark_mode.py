"""Add a publication's logo for dark mode."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("newsletters", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="publication",
            name="logo_dark_url",
            field=models.URLField(blank=True, max_length=2000),
        ),
    ]
