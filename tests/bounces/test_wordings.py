"""Wordings of servers that no list has: a sentence or a code says that somebody is gone."""

import pytest

from digest.bounces.reading.reasons import Consequence, consequence_of
from digest.bounces.reading.replies import understand

# Written for this test; without a code of their own, these come with 550.
_WORDINGS = """
553 5.1.3 Mailbox name not allowed
550 REJECTED - RCPT-VERIFY-FAIL kim@mailbox.example - user [kim@mailbox.example] not found here
550 5.7.1 Delivery not authorized. This mailbox is no longer active.
550 mail failed for one recipient (kim@mailbox.example:550 5.1.1 User unknown)
550 5.0.350 Remote server returned an error -> 550 Mailbox closed
550 SL E510 so such user
kim@mailbox.example is not an address that we serve
No one by the name of kim receives mail at this server
We do not know any kim here
Name not recognised: kim
Diese Adresse gibt es bei uns nicht
Nous ne connaissons pas ce destinataire
Questa casella è stata soppressa
Takiego użytkownika u nas nie ma
Casella di posta non disponibile
Buzón de correo no disponible
Boîte aux lettres non disponible
Caixa de correio indisponível
Skrzynka nie jest dostępna
Nie ma takiej domeny
<kim@mailbox.example>: User status is locked.
550 5.1.1 kim: mail receiving user not in our user base
RCPT rejected, there is nobody of this name on our system
We could not match the recipient with an account of ours
The specified recipient is not one of our customers
Address not in use any more
Address is no longer in use
This e-mail address is no longer in service
This mailbox has been retired
Person left, mailbox removed
Employee has departed the company
Kim Smith left our company in May, the mailbox is closed
mailbox was deprovisioned
user has been deprovisioned
user offboarded
Student graduated, account removed
alumni account deleted
Account not provisioned
mailbox not provisioned for this user
No route to recipient: user not defined
550 5.1.1 unrouteable user
kim@mailbox.example... User has no mailbox
kim@mailbox.example is not a mailbox here
does not have a mailbox here
There's no mailbox for you to write to at this address
no such mail user
No mail user of that name
No such alias or user
no matching mailbox
Mailbox does not exist or has been deleted
user deleted their account
The customer has closed this address
account cancelled by owner
Account permanently closed
account has been permanently disabled
mailbox was removed due to long inactivity
This mailbox was deleted because nobody used it
mailbox expired
550 5.2.1 dormant mailbox
Mailbox abandoned by user
address terminated
alias disabled
Alias does not resolve to a user
alias points to nobody
destination is not a valid address
dest address unknown
Rcpt unknown
rcpt <kim@mailbox.example> does not exist
rcpt not found
invalid rcpt
rcptto invalid
User mailbox missing
user not in directory
Recipient not in directory (LDAP)
recipient not in address book
address lookup returned no user
lookup of recipient returned nothing: no such user
<kim@mailbox.example>: user lookup: not found
userid not found
User ID kim is not known
User name is not known
username kim doesn't exist
login name does not exist here
subscriber is unknown
Subscriber not found
subscriber does not exist
mailbox name invalid
The mailbox name is not valid
left hand side of the address is unknown
unknown username
unknown alias
Unknown inbox
inbox not found
inbox does not exist
kim@mailbox.example unknown
kim@mailbox.example: unknown
<kim@mailbox.example> not found
<kim@mailbox.example> is invalid
<kim@mailbox.example> does not exist
<kim@mailbox.example> deleted
<kim@mailbox.example> closed
<kim@mailbox.example> is no more
550 5.1.1 not found
550 5.1.1 does not exist
550 5.1.1
550 5.1.1 #
Address kim@mailbox.example not valid for this domain
domain mailbox.example has no such account
no such user on this domain
domain does not exist any more
recipient's domain does not exist
Recipient domain not found
The domain in the recipient address does not exist
destination domain is unknown
550 5.1.2 Bad destination system address
554 5.4.4 Domain does not resolve: NXDOMAIN
domain has expired
550 5.1.6 Mailbox moved, no forwarding address
551 User moved to other provider
551 kim has moved; new address unknown
recipient no longer at this address
recipient no longer here
I no longer work at this company
Empfängeradresse gibt es nicht
Die Empfängeradresse ist ungültig
Diese E-Mail-Adresse wird nicht mehr verwendet
Diese Mailbox wurde gekündigt
Kunde hat gekündigt, Postfach gelöscht
Der Mitarbeiter ist nicht mehr im Unternehmen
Mitarbeiter hat das Unternehmen verlassen
Unter dieser Adresse ist niemand erreichbar
Es existiert kein Benutzer mit diesem Namen
Kein Konto gefunden
Empfänger konnte nicht gefunden werden
Empfänger wurde nicht gefunden
Die Domain des Empfängers existiert nicht
L'adresse n'est plus utilisée
Cette adresse n'est plus valable
Ce compte a été clôturé par son titulaire
L'abonné a résilié son compte
Aucune boîte à ce nom
Le domaine du destinataire n'existe pas
Destinataire absent de l'annuaire
Ce collaborateur a quitté la société
La cuenta fue dada de baja
Esta dirección ya no existe
Esta cuenta ya no está en uso
El usuario ya no trabaja aquí
No hay ningún buzón con ese nombre
Dirección de destino incorrecta
El dominio del destinatario no existe
Esta conta foi excluída
Este endereço não é mais utilizado
O funcionário não trabalha mais aqui
Não há caixa com este nome
O domínio do destinatário não existe
Questo indirizzo non è più attivo
La casella è stata eliminata
L'utente non lavora più qui
Indirizzo non più in uso
Il dominio del destinatario non esiste
Dit adres is niet meer in gebruik
Deze medewerker werkt hier niet meer
Dit account bestaat niet meer
Ten adres nie jest już używany
Pracownik już tu nie pracuje
Konto zostało skasowane
Domena odbiorcy nie istnieje
Этот адрес больше не используется
Сотрудник здесь больше не работает
Учетная запись удалена
Домен получателя не существует
このメールアドレスは現在使われておりません
お客様のお掛けになったアドレスは存在しません
送信先のアドレス「kim@mailbox.example」は、登録されていません。
收件人地址kim@mailbox.example不存在
用户 张三@邮箱.example 不存在
宛先のユーザーが存在しません
受信者のドメインが存在しません
收件地址不存在
此邮箱已停用
该账号已注销
收件人域名不存在
해당 사용자가 없습니다
메일 주소가 올바르지 않습니다
존재하지 않는 계정입니다
Adresa neexistuje
Adressen finns inte längre
Kontoen findes ikke længere
Osoitetta ei ole
Nincs ilyen felhasználó
Δεν υπάρχει τέτοιος χρήστης
אין משתמש כזה
لا يوجد مستخدم بهذا الاسم
Không có người dùng này
Nu există un asemenea utilizator
Nema takvog korisnika
Takega uporabnika ni
Няма такъв потребител
Немає такого користувача
Tokio vartotojo nėra
Nav tāda lietotāja
Sellist kasutajat ei ole
Taký používateľ neexistuje
No se pudo entregar el mensaje a kim@mailbox.example. No se encontró a kim en mailbox.example.
找不到您输入的电子邮件地址。请检查收件人的电子邮件地址并尝试重新发送邮件。
Den e-mail-adresse, du har angivet, blev ikke fundet. Kontroller modtagerens adresse.
Zadaná e-mailová adresa nebyla nalezena. Zkontrolujte adresu příjemce.
입력한 전자 메일 주소를 찾을 수 없습니다. 받는 사람의 전자 메일 주소를 확인하고 다시 보내십시오.
De server van de ontvanger meldt dat het domein van de ontvanger niet bestaat
Le système DNS a signalé que le domaine du destinataire n'existe pas.
El DNS informó de que el dominio del destinatario no existe.
Il DNS ha segnalato che il dominio del destinatario non esiste.
DNS zgłosił, że domena adresata nie istnieje.
"""


def _replies() -> list[str]:
    rows = _WORDINGS.strip().splitlines()
    return [row if row[:3].isdigit() else f"550 {row}" for row in rows]


@pytest.mark.parametrize("reply", _replies())
def test_an_address_that_is_gone(reply: str) -> None:
    """It is suppressed at once."""
    refusal = understand(reply)
    assert consequence_of(refusal.reason, permanent=refusal.permanent) == Consequence.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550-5.1.1 This account\n550-5.1.1 is not known to\n550 5.1.1 our system",
        "550-The mailbox you wrote to\n550-was closed by its\n550 owner.",
        "553-Sorry.\n553 This user is no longer known here",
        "Remote host said: 550 sorry, your recipient is not in my list\nGiving up on 192.0.2.1.",
        "5.1.0 - Unknown address error 550-'5.1.1 <kim@mailbox.example>: mailbox.example'",
    ],
)
def test_a_reply_of_several_lines(reply: str) -> None:
    """Its lines are one sentence, whatever a relay writes before them."""
    refusal = understand(reply)
    assert consequence_of(refusal.reason, permanent=refusal.permanent) == Consequence.HARD
