"""Reports of mail servers about messages that they could not deliver (RFC 3464). Not for reading receipts."""

from __future__ import annotations


def bounce(of: str, ident: str, action: str = "failed", back: str = "message/rfc822") -> bytes:
    """A report about the message of an id, under an id of its own."""
    returned = f"Message-ID: {of}\r\nSubject: Hello\r\n\r\nHello\r\n"
    return (
        "Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@mx.example.org>\r\nTo: desk@example.com\r\n"
        f"Subject: Undelivered Mail Returned to Sender\r\nMessage-ID: <{ident}>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nI'm sorry to have to inform you.\r\n"
        "--B\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
        f"Final-Recipient: rfc822; ada@example.org\r\nAction: {action}\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1\r\n <ada@example.org>: no such user\r\n\r\n"
        f"--B\r\nContent-Type: {back}\r\n\r\n{returned}\r\n--B--\r\n"
    ).encode()
