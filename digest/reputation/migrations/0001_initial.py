from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="MailDomain",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("domain", models.CharField(max_length=253, unique=True)),
                ("exchanger", models.CharField(blank=True, max_length=253)),
                ("provider", models.CharField(blank=True, max_length=32)),
                ("checked_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
