// SPDX-License-Identifier: Apache-2.0
// A mail as octets: headers and MIME. Pure; knows neither CAF nor SMTP.
#pragma once

#include "storage/model/expected.hpp"
#include "storage/model/mail.hpp"

#include <string>
#include <string_view>

namespace lyceum {

/// An address with the name that mail programs show for it.
struct mailbox {
  std::string name; ///< UTF-8, or empty
  std::string address;
};

struct mail_message {
  mailbox from;
  mailbox to;
  mailbox reply_to; ///< left out without an address
  std::string subject;
  std::string text; ///< UTF-8; lines end as they like
  std::string html; ///< a whole document, or empty: then the mail is plain text
  std::string message_id;
  unix_time date{};
  std::string language;                ///< for Content-Language, or empty
  std::string list_unsubscribe;        ///< https URL: makes one-click unsubscribing of it (RFC 8058), or empty
  std::string list_unsubscribe_mailto; ///< an address, or empty
};

/// Longest message, in octets as sent: hosts take 10 MiB and more, and what we send is kilobytes.
inline constexpr std::size_t mail_message_bytes_max = 4 * 1024 * 1024;

/// The whole message, from its first header line to its last boundary: ASCII, CRLF, no line over 998 octets (RFC 5322), quoted-printable
/// parts, UTF-8 in headers as RFC 2047 has it, `Auto-Submitted: auto-generated` (RFC 3834) so that nobody's holiday notice answers. Equal
/// values make equal octets. Lines may begin with a dot: whoever speaks SMTP stuffs them.
///   invalid    a control character in what becomes a header, an address that is none, something not UTF-8, or no text
///   too_large  over `mail_message_bytes_max`
expected<std::string> compose(const mail_message&);

/// A header's value as it is written: itself where it is short plain ASCII, else RFC 2047's encoded words (base64, at most 75 characters
/// each, never cutting a character), folded. The value is UTF-8 without control characters.
std::string encoded_header(std::string_view value);

/// RFC 2045, 6.7, with line ends as CRLF whatever they were (CR, LF, or both). No line is over 76 characters, none ends in a
/// blank, and "From " is not left at a line's beginning, where old mailboxes would change it.
std::string quoted_printable(std::string_view text);

/// RFC 5322, 3.3: "Wed, 01 Jan 2025 12:00:00 +0000".
std::string mail_date(unix_time when);

} // namespace lyceum
