// SPDX-License-Identifier: Apache-2.0
// What Amazon SES reports of mails through Amazon SNS: read, and believed only where SNS signed it. Knows no actor, no database and no
// network. Source: SNS's developer guide ("Verifying the signatures of Amazon SNS messages", "Parsing message formats"), SES's ("Amazon SNS
// notification contents", "Event data that Amazon SES publishes to Amazon SNS").
#pragma once

#include "storage/model/expected.hpp"
#include "storage/model/mail.hpp"
#include "storage/model/time.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum {

/// A message of SNS is at most 256 KiB; in JSON's escapes it may take twice that.
inline constexpr std::size_t sns_body_max = std::size_t{512} * 1024;
/// A message that was made longer ago, or is to be made later, is refused: what somebody recorded cannot be played again for ever.
inline constexpr std::chrono::hours sns_replay_max{1};
/// Recipients of one report: SES sends to 50 at once.
inline constexpr std::size_t sns_recipients_max = 100;

/// A message as it came: not believed yet.
struct sns_message {
  std::string type; ///< "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
  std::string topic;
  std::string message;
  std::string signed_text; ///< what the signature is of
  std::string signature;   ///< octets
  bool sha256 = false;     ///< SignatureVersion 2; else 1, which is SHA-1
  std::string certificate_url;
  std::string subscribe_url; ///< only of a SubscriptionConfirmation
  unix_time at{};
};
/// True for the types that are signed in a way that we know.
bool is_known_sns_type(std::string_view type);

/// Reads a body. One of an unknown type has its type and topic alone.
///   invalid    not JSON, a member that is missing or of another kind
///   forbidden  a signature of a version that is not known
expected<sns_message> read_sns(std::string_view body);

/// Which URLs are SNS's own. Replaced in tests alone.
struct sns_hosts {
  /// Of a host in lower case.
  std::function<bool(std::string_view host)> is_own;
  /// What a certificate may be for besides the host that it came from; empty: nothing.
  std::string certificate_name;
};
/// "sns.eu-central-1.amazonaws.com", and nothing beside; certificates of theirs are for "sns.amazonaws.com".
sns_hosts amazon_sns();

/// The host of an https URL without user, port and fragment, where it is one of SNS's own. `forbidden` where it is not.
expected<std::string> sns_host_of(std::string_view url, const sns_hosts& own);

/// The same for a certificate: it is at "/SimpleNotificationService-….pem". Another path of that host may answer with what its asker said, and
/// so with a certificate of the asker's own.
expected<std::string> sns_certificate_host_of(std::string_view url, const sns_hosts& own);

/// Whether whoever holds the certificate (PEM) signed the message.
///   forbidden  no: another key, an octet that differs, a certificate for another host or another time
expected<void> verify_sns(const sns_message&, std::string_view certificate, std::string_view host, const sns_hosts& own,
                          unix_time now);

/// An address that gets no mail from now on, and why.
struct mail_report {
  std::string recipient;
  suppression_kind kind = suppression_kind::bounce;
  std::string detail; ///< one line, at most 300 bytes

  bool operator==(const mail_report&) const = default;
};
/// What SES says in a notification: permanent bounces, and complaints. Everything else is nothing: deliveries, bounces that pass, events
/// that are not known, text of somebody else.
std::vector<mail_report> read_ses(std::string_view message);

} // namespace lyceum
