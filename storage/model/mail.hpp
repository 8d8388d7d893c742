// SPDX-License-Identifier: Apache-2.0
// Mail as values, and the rules for what may stand in it. Pure.
#pragma once

#include "storage/model/id.hpp"
#include "storage/model/time.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lyceum {

enum class mail_state {
  queued,     ///< waits for a worker
  sending,    ///< a worker holds its lease
  sent,       ///< the mail host took it
  deferred,   ///< not now; tried again at `next_at`
  failed,     ///< a dead letter: refused, given up or dropped; `reason` says why
  suppressed, ///< its recipient gets no mail
  uncertain,  ///< the connection was lost after the text: it may have arrived. Where `next_at` is set it is sent again
};
std::string_view to_string(mail_state);
std::optional<mail_state> mail_state_of(std::string_view text);

/// Who goes first, and how long it is worth trying (see mail_pace.hpp). Stored as its number.
enum class mail_urgency {
  sign_in,  ///< somebody sits and waits; of no use after ten minutes
  ordinary, ///< one person's receipt, reminder, notice
  bulk,     ///< one text for many. Never sent again by itself where it may have arrived
};

/// Longest address: RFC 5321, 4.5.3.1.3, without its angle brackets. And of its part before the "@": 4.5.3.1.1.
inline constexpr std::size_t mail_address_bytes_max = 254;
inline constexpr std::size_t mail_local_part_bytes_max = 64;
/// Longest value that may become a header line: subjects, names, URLs.
inline constexpr std::size_t mail_header_bytes_max = 900;
/// Longest `details` of a mail.
inline constexpr std::size_t mail_details_bytes_max = 64 * 1024;

/// A mail that is to be sent, as whoever causes it says it.
struct mail_draft {
  std::string recipient;      ///< an address: `is_mail_address`
  std::string recipient_name; ///< or empty
  std::string template_name;  ///< "sign_in", "receipt": lower-case letters, digits, '_', at most 64
  std::string cause;    ///< what it is sent for: "payment:9121"; the same cause never sends twice. At most 200 bytes
  std::string language; ///< "en", "pt-br"
  std::string details = "{}";   ///< JSON for the template, at most `mail_details_bytes_max`
  std::string list_unsubscribe; ///< https URL for RFC 8058's one click, or empty
  mail_urgency urgency = mail_urgency::ordinary;
};

/// A mail as it stands in the outbox.
struct mail {
  id number = 0;
  mail_draft what;        ///< `what.details` is empty once it was sent, dropped, or came too late
  std::string message_id; ///< "<…@host>": the same on every try
  mail_state state = mail_state::queued;
  std::string reason; ///< of the last try that did not succeed, or of the state
  int tries = 0;      ///< begun so far
  int orphaned = 0;   ///< tries whose worker never told how they ended
  std::optional<unix_time> next_at;
  unix_time give_up_at{};
  std::string holder; ///< who has or had its lease last
  std::optional<unix_time> leased_until;
  unix_time created_at{};
  unix_time updated_at{};
  std::optional<unix_time> sent_at;
};

/// How one try to deliver ended.
struct delivery {
  enum class result {
    sent,
    deferred,      ///< the host said "not now", or the connection broke before the text was whole
    refused,       ///< the host will never take it
    uncertain,     ///< the text was whole, and no answer came
    unreachable,   ///< no host there, or one that does not answer
    misconfigured, ///< our own settings: password, certificate, sender. The mail is not to blame
    interrupted,   ///< we ended it ourselves before the text was whole
  };
  result how = result::sent;
  std::string reason; ///< for an operator: who said what, and what to do. Valid UTF-8, one line, at most 500 bytes
  bool address_is_dead = false; ///< with `refused`: there is no such mailbox

  bool operator==(const delivery&) const = default;
};
std::string_view to_string(delivery::result);

enum class suppression_kind { bounce, complaint, by_hand };
std::string_view to_string(suppression_kind);

struct suppression {
  std::string recipient_key; ///< `mail_address_key`
  suppression_kind kind = suppression_kind::by_hand;
  std::string detail;
  unix_time created_at{};
};

/// True for an address that we send to: `local@host`, ASCII (other domains in their "xn--" form), unquoted, with a dot-atom on the
/// left (RFC 5322, 3.2.3) and host labels on the right.
bool is_mail_address(std::string_view address);

/// The right side of a Message-ID for mails of the site at `base_url`: its host, or "localhost" where that cannot stand there (an IPv6
/// address, a name with "_").
std::string message_id_host(std::string_view base_url);

/// What two spellings of one mailbox have in common: lower case. (RFC 5321 lets a host tell "Ann" from "ann"; none does.)
std::string mail_address_key(std::string_view address);

/// What is wrong with a value for a header, or an empty text: control characters (CR and LF above all, TAB, NUL, DEL, U+0080 to U+009F,
/// U+2028, U+2029), or more than `mail_header_bytes_max` bytes. Does not look whether it is UTF-8.
std::string mail_header_fault(std::string_view value);

/// True for the name of a template as `mail_draft` states it.
bool is_mail_template(std::string_view name);

/// "<1c2d…@host>": RFC 5322, 3.6.4. Unique as ids are.
std::string make_message_id(id number, std::string_view host);

} // namespace lyceum
