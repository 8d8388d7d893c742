// SPDX-License-Identifier: Apache-2.0
#include "actors/webhook_sns.hpp"

#include "storage/base64.hpp"
#include "storage/moments.hpp"

#include <boost/json.hpp>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

namespace lyceum {
namespace {

namespace json = boost::json;

constexpr std::size_t url_max = 2000;
constexpr std::size_t depth_max = 32;
constexpr std::size_t detail_max = 300;

struct free_with {
  void operator()(BIO* b) const { BIO_free(b); }
  void operator()(X509* c) const { X509_free(c); }
  void operator()(EVP_PKEY* k) const { EVP_PKEY_free(k); }
  void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
};
template <class T>
using owned = std::unique_ptr<T, free_with>;

std::optional<json::object> object_of(std::string_view text) {
  boost::system::error_code bad;
  json::parse_options how;
  how.max_depth = depth_max;
  auto value = json::parse(json::string_view(text.data(), text.size()), bad, {}, how);
  if (bad || !value.is_object())
    return std::nullopt;
  return std::move(value.get_object());
}

/// Nothing where there is none, or it is no text.
std::optional<std::string> text_of(const json::object& of, std::string_view name) {
  const auto* found = of.if_contains(json::string_view(name.data(), name.size()));
  if (found == nullptr || !found->is_string())
    return std::nullopt;
  return std::string(found->get_string());
}
const json::object* part_of(const json::object& of, std::string_view name) {
  const auto* found = of.if_contains(json::string_view(name.data(), name.size()));
  return found == nullptr ? nullptr : found->if_object();
}

problem untrue(std::string why) {
  return {problem::kind::forbidden, std::move(why)};
}

/// RFC 4648's base64 with its padding, and no other spelling of the same octets.
std::optional<std::string> from_base64(std::string text) {
  if (text.size() % 4 != 0 || text.find_first_of("-_") != std::string::npos)
    return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i)
    text.pop_back();
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return storage::from_base64url(text);
}

bool is_lower_digit_dash(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/// In the order of the guide: by name, each with its value, a line each. Subject stands there where the message has one.
std::optional<std::string> signed_text_of(const json::object& of, bool notification) {
  constexpr std::array for_notification{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"};
  constexpr std::array for_subscription{"Message", "MessageId", "SubscribeURL", "Timestamp",
                                        "Token",   "TopicArn",  "Type"};
  std::string all;
  const auto add = [&](const char* name) {
    const auto value = text_of(of, name);
    if (!value)
      return std::string_view(name) == "Subject" && (!of.contains(name) || of.at(name).is_null());
    all.append(name).append("\n").append(*value).append("\n");
    return true;
  };
  const bool whole =
      notification ? std::ranges::all_of(for_notification, add) : std::ranges::all_of(for_subscription, add);
  return whole ? std::optional(std::move(all)) : std::nullopt;
}

/// A line for operators: without control characters, cut between characters.
std::string line_of(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  if (text.size() > detail_max) {
    auto end = detail_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
      --end;
    text.resize(end);
  }
  return text;
}

/// "ann@example.com" of "Ann <ann@example.com>".
std::string bare(const std::string& address) {
  const auto open = address.rfind('<');
  const auto close = address.rfind('>');
  return open != std::string::npos && close == address.size() - 1 && open < close
             ? address.substr(open + 1, close - open - 1)
             : address;
}

void add_reports(std::vector<mail_report>& to, const json::object& of, std::string_view list, suppression_kind kind,
                 const std::string& what) {
  const auto* all = of.if_contains(json::string_view(list.data(), list.size()));
  if (all == nullptr || !all->is_array())
    return;
  for (const auto& one : all->get_array()) {
    const auto* recipient = one.if_object();
    const auto address = recipient == nullptr ? std::nullopt : text_of(*recipient, "emailAddress");
    if (!address || !is_mail_address(bare(*address)) || to.size() >= sns_recipients_max)
      continue;
    const auto said = text_of(*recipient, "diagnosticCode").value_or("");
    to.push_back({bare(*address), kind, line_of("Amazon SES: " + what + (said.empty() ? "" : ": " + said))});
  }
}

} // namespace

bool is_known_sns_type(std::string_view type) {
  return type == "Notification" || type == "SubscriptionConfirmation" || type == "UnsubscribeConfirmation";
}

expected<sns_message> read_sns(std::string_view body) {
  const auto incomplete = fail(problem::kind::invalid, "not a message of Amazon SNS");
  const auto of = object_of(body);
  if (!of)
    return incomplete;
  sns_message made;
  const auto type = text_of(*of, "Type");
  const auto topic = text_of(*of, "TopicArn");
  if (!type || !topic)
    return incomplete;
  made.type = *type;
  made.topic = *topic;
  if (!is_known_sns_type(made.type))
    return made;
  const auto version = text_of(*of, "SignatureVersion");
  const auto signature = text_of(*of, "Signature");
  const auto url = text_of(*of, "SigningCertURL");
  const auto stamp = text_of(*of, "Timestamp");
  const bool notification = made.type == "Notification";
  auto signed_text = signed_text_of(*of, notification);
  if (!version || !signature || !url || !stamp || !signed_text)
    return incomplete;
  if (*version != "1" && *version != "2")
    return tl::unexpected(untrue("a signature of version " + line_of(*version).substr(0, 20)));
  const auto octets = from_base64(*signature);
  const auto at = storage::parse_moment(*stamp, "UTC");
  if (!octets || !at)
    return incomplete;
  made.message = *text_of(*of, "Message");
  made.signed_text = std::move(*signed_text);
  made.signature = *octets;
  made.sha256 = *version == "2";
  made.certificate_url = *url;
  made.subscribe_url = notification ? "" : *text_of(*of, "SubscribeURL");
  made.at = *at;
  return made;
}

sns_hosts amazon_sns() {
  return {[](std::string_view host) {
            constexpr std::string_view head = "sns.";
            constexpr std::string_view tail = ".amazonaws.com";
            if (host.size() <= head.size() + tail.size() || !host.starts_with(head) || !host.ends_with(tail))
              return false;
            const auto region = host.substr(head.size(), host.size() - head.size() - tail.size());
            return region.size() <= 40 && std::ranges::all_of(region, is_lower_digit_dash);
          },
          "sns.amazonaws.com"};
}

expected<std::string> sns_host_of(std::string_view url, const sns_hosts& own) {
  constexpr std::string_view scheme = "https://";
  const auto wrong = tl::unexpected(untrue("a URL that is not Amazon SNS's"));
  const bool plain =
      std::ranges::all_of(url, [](unsigned char c) { return c > ' ' && c < 0x7f && c != '\\' && c != '#'; });
  if (!url.starts_with(scheme) || url.size() > url_max || !plain)
    return wrong;
  const auto rest = url.substr(scheme.size());
  const auto host = rest.substr(0, rest.find_first_of("/?"));
  // No user, no port: what is before an '@' or behind a ':' is not in the host that the rule sees.
  if (host.empty() || host.size() == rest.size() || rest[host.size()] != '/' || !own.is_own(host))
    return wrong;
  return std::string(host);
}

expected<std::string> sns_certificate_host_of(std::string_view url, const sns_hosts& own) {
  constexpr std::string_view head = "/SimpleNotificationService-";
  constexpr std::string_view tail = ".pem";
  auto host = sns_host_of(url, own);
  if (!host)
    return host;
  const auto path = url.substr(url.find(*host) + host->size());
  const auto is_own = [&] {
    if (path.size() <= head.size() + tail.size() || !path.starts_with(head) || !path.ends_with(tail))
      return false;
    const auto name = path.substr(head.size(), path.size() - head.size() - tail.size());
    return std::ranges::all_of(name, is_lower_digit_dash);
  };
  if (!is_own())
    return tl::unexpected(untrue("a URL that is not of a certificate of Amazon SNS"));
  return host;
}

expected<void> verify_sns(const sns_message& of, std::string_view certificate, std::string_view host,
                          const sns_hosts& own, unix_time now) {
  if (!certificate.starts_with("-----BEGIN CERTIFICATE-----"))
    return tl::unexpected(untrue("no certificate came"));
  const owned<BIO> octets(BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size())));
  const owned<X509> read(octets ? PEM_read_bio_X509(octets.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!read)
    return tl::unexpected(untrue("no certificate came"));
  const auto is_for = [&](std::string_view name) {
    return !name.empty() &&
           X509_check_host(read.get(), name.data(), name.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
  };
  if (!is_for(host) && !is_for(own.certificate_name))
    return tl::unexpected(untrue("the certificate is for another host"));
  auto seconds = static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count());
  if (X509_cmp_time(X509_get0_notBefore(read.get()), &seconds) >= 0 ||
      X509_cmp_time(X509_get0_notAfter(read.get()), &seconds) <= 0)
    return tl::unexpected(untrue("the certificate is for another time"));
  const owned<EVP_PKEY> key(X509_get_pubkey(read.get()));
  if (!key || EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA)
    return tl::unexpected(untrue("the certificate has no RSA key"));
  const owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  const auto* digest = of.sha256 ? EVP_sha256() : EVP_sha1();
  const auto* signature = reinterpret_cast<const unsigned char*>(of.signature.data());
  const auto* text = reinterpret_cast<const unsigned char*>(of.signed_text.data());
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.get()) != 1 ||
      EVP_DigestVerify(context.get(), signature, of.signature.size(), text, of.signed_text.size()) != 1)
    return tl::unexpected(untrue("the signature is wrong"));
  return {};
}

std::vector<mail_report> read_ses(std::string_view message) {
  std::vector<mail_report> all;
  const auto of = object_of(message);
  if (!of)
    return all;
  // SES's own notifications say notificationType, events of a configuration set eventType.
  const auto type = text_of(*of, of->contains("eventType") ? "eventType" : "notificationType").value_or("");
  if (const auto* bounce = part_of(*of, "bounce");
      type == "Bounce" && bounce && text_of(*bounce, "bounceType") == "Permanent")
    add_reports(all, *bounce, "bouncedRecipients", suppression_kind::bounce,
                "permanent bounce, " + text_of(*bounce, "bounceSubType").value_or("General"));
  if (const auto* complaint = part_of(*of, "complaint"); type == "Complaint" && complaint) {
    const auto kind = text_of(*complaint, "complaintFeedbackType").value_or("");
    if (kind != "not-spam") // somebody took it out of the spam folder
      add_reports(all, *complaint, "complainedRecipients", suppression_kind::complaint,
                  kind.empty() ? "complaint" : "complaint, " + kind);
  }
  return all;
}

} // namespace lyceum
