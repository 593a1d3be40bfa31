"""Pictures of mails: checked, converted, stored and served in the sizes that mails need."""
