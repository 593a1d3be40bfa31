"""Replies that say nothing of an address, in words that are near to those that do.

Written for this test: what passes, a guess, the sender, lists, headers, files, whoever is away.
"""

import pytest

from digest.bounces.reading.reasons import Consequence, consequence_of
from digest.bounces.reading.replies import understand

# Without a code of their own, these come with 550.
_TRAPS = """
Casella al momento non disponibile
El buzón no está disponible en este momento
Boîte indisponible en ce moment, réessayez plus tard
A caixa está indisponível neste momento
Skrzynka jest w tej chwili niedostępna
5.2.1 El servicio no está disponible; [mailbox.example] no acepta correo a través de IPv6
Account kim is over its allowance; user unknown to the quota server
550 5.2.2 No room in the mailbox of this user
The recipient's mailbox has no free space
554 The recipient has used up the space for mail
552 This user's inbox cannot hold any more messages
kim@mailbox.example has too much mail
User's mail folder has reached its size
Mailbox kim: no more space left, mail not accepted
This account cannot receive mail until the owner frees some space
550 5.1.1 User over limit
mailbox is at capacity
550 5.2.1 mailbox is full and was locked
Recipient has exhausted the storage of the account
550 5.1.1 Sorry, the address you write from is not known to us
We do not know you
We don't know the sender of this message
Unknown sender, no such account on your side
Your account is unknown here, please register
Unknown client: no such user in our relay list
550 5.7.1 The user you write as does not exist at your provider
The user part of your MAIL FROM does not exist
Envelope sender mailbox does not exist (verified by callback)
Callback verification failed: sender's server says no such user
Callout to your server: 550 User unknown
Sender callout: recipient <news@courier.example> rejected: User unknown
Could not verify that your address exists
Return address does not exist
Reply address user is unknown
From header names a user that does not exist
553 From address does not belong to an existing user
553 Authenticated user does not own the address
SMTP user is not valid
535 5.7.8 Error: no such user, authentication failed
535 Invalid user name or password
530 user account is disabled, please log in
Your account was suspended for sending too much mail
This account may not send mail: account disabled
Outgoing mail from this account is disabled
sending account suspended
Sender account has been closed
The account from which you send is inactive
user kim is not allowed to send as news@courier.example
Mail from unknown users is not accepted
Mails from invalid addresses are not accepted here
We reject messages from accounts that do not exist
You are sending to a lot of users that do not exist; blocked
550 5.7.1 Excessive unknown recipients - possible dictionary attack
421 Too many unknown users, closing connection
Blocked because of many invalid addresses in your list
Too high a share of your recipients do not exist
Your IP has sent to over 50 invalid mailboxes today
554 Harvesting detected: non-existent recipients
Directory harvest attack: invalid users
The message has an invalid recipient header
Header To: contains an address that is not valid
No valid To: address in the header of the message
554 Message rejected: To header lists unknown user
Cc address is malformed in message headers
Unknown attachment type for this mailbox
File type not accepted by this user
Recipient only accepts mail of a known type
The recipient does not exist in your address book at our challenge service; please confirm
Recipient accepts mail from known senders only
user has not whitelisted you
The recipient has blocked you
The recipient's spam filter found the address of the sender invalid
Recipient filter: unknown sender
Recipient does not want mail from unknown people
This mailbox takes mail from its organization only
This mailbox can only be reached from inside
Only members can write to this address; your address is not a member
not a member of the list kim-talk
posting to this alias is closed
The list is closed to non-members
This group does not exist for outside senders
This address is restricted to internal mail
address reserved for internal use, external mail is not delivered
451 user lookup failed, no such table
user database could not be read; user not found
LDAP server not found while looking up recipient
Unable to look up user: directory server unknown
Could not find the user because the directory is down
Recipient verify: backend not found
recipient could not be verified because the server is unreachable
unknown error while delivering to mailbox
unknown error with account kim
Unknown reason, recipient refused by filter
delivery to mailbox failed for an unknown reason
An unknown problem occurred with the recipient's server
554 Mailbox server not found
Mailbox host is gone for maintenance
mailbox is being moved, try again
mailbox is being migrated to another server
Mailbox locked by another session
Mailbox locked: POP session in progress
account locked for an hour
account locked after failed logins, will be unlocked soon
mailbox currently disabled, retry tomorrow
mailbox disabled for maintenance
temporarily no such user
user unknown at the moment
user not found, please retry in some minutes
550 5.1.1 user unknown (temporary directory failure)
450 4.1.1 user unknown, will retry
451 4.3.0 recipient not found yet
greylisted: recipient unknown to greylist
Recipient address rejected: greylisted, see the site
recipient not allowed for this client
recipient refused: your host is not in our list
recipient address denied for your network
Recipient rejected your mail as unwanted
Recipient address rejected: SPF check did not find a valid record
Recipient address rejected: Your MTA's IP is not valid
Recipient address rejected: invalid HELO
Recipient address rejected: Mail server has no valid PTR
Recipient address rejected: domain of the sender not found
Recipient address rejected: message has no valid date
550 5.7.1 recipient address rejected: user does not accept newsletters
the user does not accept bulk mail
the user does not accept attachments
user does not accept messages of this size
user's account does not allow messages of this language
552 The message for this mailbox has an invalid size
Message id not found for this recipient
No such message for this user
ticket closed: this mailbox cannot reopen it
Your ticket for user kim does not exist
The certificate for your mailbox domain has expired
TLS certificate of the account expired
password of the account expired
license for the mail server expired; account cannot receive
Message expired in queue for mailbox kim
Delivery time expired for recipient
550 5.4.7 recipient: time expired
Command RCPT unknown
500 Unknown command RCPT
501 Syntax error: invalid argument for recipient
501 Invalid parameter in RCPT
503 No recipient given, invalid sequence
503 Bad sequence: recipient not specified
554 No recipients have been specified
501 5.5.4 Invalid option for recipient: NOTIFY
555 Recipient parameter not recognized
504 Recipient type not implemented
553 5.6.7 Address has characters that this server cannot read
553 SMTPUTF8 required for recipient address
550 5.6.7 recipient's server does not know internationalized addresses
554 5.4.14 Hop count exceeded: recipient mailbox loops
554 5.4.6 Routing loop found for recipient
Mail loop: mailbox forwards to itself
forwarding address of the user could not be reached
user's forward host is unknown for now
554 5.3.0 user's procmail filter not found
554 5.3.0 vacation program of the user not found
554 5.3.0 unknown mailer error 1 for user
554 5.3.5 unknown mailer in alias of the user
insecure forward file of the user is invalid
home directory of the user is not available now
Home directory is world writable for this user
quota file of the user not found
mailbox of the user cannot be opened
mailbox cannot be read, invalid format
mailbox corrupt
mailbox is busy
mailbox in use
invalid mailbox format on the server, try again later
Kim is on vacation, this mailbox is not read
the person is out of the office and not available
I am no longer reading this mailbox this week
user is away until Monday
I have left for the weekend
this mailbox is not monitored
this mailbox is not read by a human
noreply address, mail is deleted
Das Postfach ist ausgelastet
Der Speicherplatz des Empfängers ist erschöpft
Der Empfänger hat keinen freien Speicher
Postfach derzeit nicht verfügbar
Postfach momentan nicht erreichbar
Benutzer derzeit unbekannt, bitte erneut versuchen
Empfänger nimmt keine Nachrichten von diesem Absender an
Ihr Konto ist unbekannt
Ihr Server ist uns nicht bekannt
Absenderadresse existiert nicht
Die Domain des Absenders wurde nicht gefunden
Der Absender ist dem Empfänger nicht bekannt
Empfänger kennt den Absender nicht
Nachricht wegen unbekanntem Dateityp an Empfänger abgelehnt
Nicht registrierte Absender werden abgelehnt
Ungültige Nachricht für Empfänger
Ihre IP-Adresse ist ungültig
Die IP-Adresse wurde nicht gefunden
Adresse Ihres Servers unbekannt
Zu viele unbekannte Empfänger
Konto gesperrt wegen Spamversands
Ihr Postfach wurde gesperrt
La boîte du destinataire est saturée
Espace insuffisant dans la boîte du destinataire
Le destinataire a dépassé son quota
Boîte temporairement désactivée
Boîte indisponible, réessayez plus tard
Adresse IP inconnue
L'adresse de l'expéditeur n'existe pas
Votre compte est inconnu
Le serveur expéditeur est inconnu du destinataire
Trop de destinataires inconnus
Le destinataire refuse les courriers des expéditeurs inconnus
Message invalide pour ce destinataire
Compte expéditeur suspendu
buzón sin espacio disponible
El buzón del usuario está lleno
El usuario superó la cuota
Su cuenta no existe
La dirección del remitente no existe
La dirección IP no es válida
Demasiados destinatarios desconocidos
El destinatario no acepta correo de remitentes desconocidos
Usuario temporalmente inexistente
Servidor desconocido para el usuario
Su cuenta fue suspendida por enviar spam
La cuenta remitente está deshabilitada
Caixa postal cheia
Espaço esgotado na conta do usuário
O endereço IP não é válido
O remetente não existe
Endereço do remetente inválido
Sua conta não existe
O usuário não aceita mensagens de desconhecidos
Muitos destinatários inexistentes
La casella del destinatario è piena
Spazio esaurito per l'utente
L'indirizzo IP non è valido
Il mittente non esiste
Indirizzo del mittente sconosciuto
Troppi destinatari sconosciuti
L'utente non accetta messaggi da mittenti sconosciuti
Casella momentaneamente non disponibile
Het postvak van de ontvanger zit vol
IP-adres onbekend
Afzender bestaat niet
Te veel onbekende ontvangers
Uw account bestaat niet
De ontvanger accepteert geen mail van onbekende afzenders
Skrzynka odbiorcy jest pełna
Nadawca nie istnieje
Adres IP nieznany
Zbyt wielu nieznanych odbiorców
Konto nadawcy zostało zablokowane
Ящик получателя переполнен
IP-адрес неизвестен
Отправитель не существует
Адрес отправителя не найден
Слишком много неизвестных получателей
Ваш аккаунт заблокирован
Ваша учетная запись не найдена
Получатель не принимает письма от неизвестных отправителей
Почтовый ящик временно отключен
Пользователь превысил лимит
宛先のメールボックスが容量を超えています
送信者のアドレスが存在しません
IPアドレスが不明です
一時的に宛先が見つかりません
收件人邮箱空间不足
发件人地址不存在
IP地址无效
您的账号不存在
收件人拒收未知发件人的邮件
用户已超出配额
받는 사람의 메일함이 가득 찼습니다
보낸 사람을 찾을 수 없습니다
Gönderen adresi mevcut değil
Schránka příjemce je plná
Odesílatel neexistuje
Mottagarens brevlåda är full
Avsändaren finns inte
Afsenderen er ukendt
Vastaanottajan postilaatikko on täynnä
Lähettäjä on tuntematon
A címzett postafiókja megtelt
A feladó címe ismeretlen
550 5.1.1 relay access denied
550 5.1.1 your message was classified as unwanted
550 5.1.1 rejected by content scanner
550 5.1.1 message too large for recipient
550 5.1.1 rate exceeded
550 5.1.1 authentication needed
550 5.1.2 your HELO name is wrong
550 5.2.1 The recipient gets too much mail now
550 5.2.1 user over quota, mailbox disabled until space is freed
554 5.2.1 temporarily disabled for exceeding limits
550 5.1.3 sender address syntax
550 5.1.6 your IP has moved to our block list
550 5.1.10 sender's domain has a null MX
550 5.1.1 blocked: recipients complained about you
550 5.1.1 unsigned mail is not taken
550 5.4.1 connection to your server failed
550 5.1.2 TLS needed for this domain
550 5.1.1 mailbox unavailable because of its size
Requested action not taken: mailbox unavailable (blocked by filter)
Requested action not taken: mailbox unavailable, reputation of your IP
mailbox unavailable: too many connections
mailbox unavailable due to a technical problem
Mailbox not available due to server problems
mailbox unavailable, come back later
mailbox unavailable for bulk senders
mailbox unavailable: message has no valid Date header
user unknown; sender not authenticated
No such user - you must authenticate first
no such user: your IP is on a list of bad senders
unknown user or your host is blocked
user unknown or blocked by policy
either the user does not exist or your mail was refused as junk
Invalid recipient or relaying denied
The user may have been removed
It seems that the account does not exist, or the server has a problem
account possibly closed
El buzón del destinatario está lleno y no puede aceptar mensajes en este momento.
"""


def _replies() -> list[str]:
    rows = _TRAPS.strip().splitlines()
    return [row if row[:3].isdigit() else f"550 {row}" for row in rows]


@pytest.mark.parametrize("reply", _replies())
def test_nobody_is_suppressed(reply: str) -> None:
    """A false suppression is worse than a bounce that was missed."""
    refusal = understand(reply)
    assert consequence_of(refusal.reason, permanent=refusal.permanent) != Consequence.HARD
