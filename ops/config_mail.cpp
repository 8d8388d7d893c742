// SPDX-License-Identifier: Apache-2.0
#include "ops/config_values.hpp"
#include "storage/model/mail.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <string>

namespace lyceum {
namespace {

using in = const value_source&;

// The words of an error never repeat the value: it holds a password.
constexpr std::string_view smtp_form = "is smtp://USER:PASSWORD@HOST:587 (STARTTLS is demanded) or "
                                       "smtps://USER:PASSWORD@HOST:465; what stands in a name or "
                                       "password besides letters and digits is written as %40 for @";

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

/// RFC 3986, 2.1. Nothing where a '%' is not followed by two digits, or a control character would come of it.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = static_cast<unsigned char>(text[i]);
    if (text[i] == '%') {
      const auto* from = text.data() + i + 1;
      if (i + 2 >= text.size())
        return {};
      const auto [end, bad] = std::from_chars(from, from + 2, value, 16);
      if (bad != std::errc{} || end != from + 2)
        return {};
      i += 2;
    }
    if (value < 0x20 || value == 0x7F)
      return {};
    plain += static_cast<char>(value);
  }
  return plain;
}

bool is_host(std::string_view text) {
  const bool v6 = text.find(':') != std::string_view::npos;
  return !text.empty() && text.size() <= 253 && text.front() != '-' && std::ranges::all_of(text, [v6](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || (v6 ? c == ':' : c == '-');
  });
}

/// "host", "host:587", "[::1]:587"
bool read_host(std::string_view text, mail_config& to) {
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos)
      return false;
    to.host = std::string(text.substr(1, end - 1));
    port = text.substr(end + 1);
    if (to.host.find(':') == std::string::npos || (!port.empty() && port.front() != ':'))
      return false;
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    to.host = std::string(text.substr(0, colon));
    port = text.substr(colon);
  }
  if (!is_host(to.host))
    return false;
  if (port.empty())
    return true;
  const auto number = whole_number(port.substr(1));
  if (!number || *number == 0 || *number > 65535)
    return false;
  to.port = static_cast<std::uint16_t>(*number);
  return true;
}

outcome read_smtp_url(config& cfg, in from) {
  std::string_view text = from.text();
  auto made = cfg.mail;
  const bool implicit = text.starts_with("smtps://");
  if (!implicit && !text.starts_with("smtp://"))
    return from.wrong(smtp_form);
  text.remove_prefix(implicit ? 8 : 7);
  if (text.ends_with('/'))
    text.remove_suffix(1);
  made.user.clear();
  made.password = {};
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    const auto who = text.substr(0, at);
    const auto colon = who.find(':');
    if (colon == std::string_view::npos || who.find('@') != std::string_view::npos)
      return from.wrong(smtp_form);
    const auto user = percent_decoded(who.substr(0, colon));
    const auto password = percent_decoded(who.substr(colon + 1));
    if (!user || !password || user->empty() || password->empty())
      return from.wrong(smtp_form);
    made.user = *user;
    made.password = secret(*password);
    text.remove_prefix(at + 1);
  }
  made.port = implicit ? 465 : 587;
  if (!read_host(text, made))
    return from.wrong(smtp_form);
  made.how = implicit                 ? mail_config::encryption::implicit
             : is_loopback(made.host) ? mail_config::encryption::none
                                      : mail_config::encryption::start_tls;
  cfg.mail = std::move(made);
  return true;
}

/// "School <school@school.example>", or the address alone.
outcome read_from(config& cfg, in from) {
  std::string_view text = from.text();
  std::string_view name;
  if (const auto open = text.rfind('<'); open != std::string_view::npos && text.ends_with('>')) {
    name = text.substr(0, open);
    text = text.substr(open + 1, text.size() - open - 2);
    while (name.ends_with(' '))
      name.remove_suffix(1);
    if (name.size() >= 2 && name.starts_with('"') && name.ends_with('"'))
      name = name.substr(1, name.size() - 2);
  }
  if (!is_mail_address(text) || !mail_header_fault(name).empty() || name.find('"') != std::string_view::npos)
    return from.wrong("is a name and an address, as \"School <school@school.example>\"");
  cfg.mail.from_name = std::string(name);
  cfg.mail.from_address = std::string(text);
  return true;
}

outcome read_reply_to(config& cfg, in from) {
  if (!is_mail_address(from.text()))
    return from.wrong("is an address, as help@school.example");
  cfg.mail.reply_to = from.text();
  return true;
}

outcome read_alert_address(config& cfg, in from) {
  if (!is_mail_address(from.text()))
    return from.wrong("is an address, as operators@school.example");
  cfg.mail.alert_address = from.text();
  return true;
}

/// "arn:aws:sns:eu-central-1:123456789012:bounces"
outcome read_sns_topic(config& cfg, in from) {
  std::string_view text = from.text();
  const bool plain = std::ranges::all_of(
      text, [](unsigned char c) { return std::isalnum(c) != 0 || c == ':' || c == '-' || c == '_' || c == '.'; });
  if (!plain || text.size() > 400 || !text.starts_with("arn:aws") || std::ranges::count(text, ':') != 5)
    return from.wrong("is the ARN of an SNS topic, as arn:aws:sns:eu-central-1:123456789012:bounces");
  cfg.mail.sns_topic = std::string(text);
  return true;
}

outcome read_auth(config& cfg, in from) {
  if (from.text() != "plain" && from.text() != "login")
    return from.wrong("is plain or login");
  cfg.mail.log_in_plainly = from.text() == "plain";
  return true;
}

outcome read_ca_file(config& cfg, in from) {
  std::filesystem::path file;
  auto done = read_path(file, from);
  cfg.mail.ca_file = file.string();
  return done;
}

outcome read_late(config& cfg, in from) {
  std::chrono::milliseconds time{};
  if (auto done = read_time(time, from); !done)
    return done;
  if (time < std::chrono::minutes(1))
    return from.wrong("is a time of at least a minute, such as \"10m\"");
  cfg.mail.late = std::chrono::duration_cast<std::chrono::minutes>(time);
  return true;
}

outcome read_webhook(config& cfg, in from) {
  const std::string_view text = from.text();
  auto host = text.starts_with("https://")  ? text.substr(8)
              : text.starts_with("http://") ? text.substr(7)
                                            : std::string_view{};
  host = host.substr(0, host.find_first_of("/:?#"));
  const bool plain = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
  if (host.empty() || !is_host(host) || !plain || text.size() > 2000 ||
      (text.starts_with("http://") && !is_loopback(host)))
    return from.wrong("is an https:// URL that takes a POST of JSON");
  cfg.mail.alert_webhook = secret(std::string(text));
  return true;
}

constexpr std::array rows{
    key_row{{"smtp_url", "none", "the mail host: smtp://USER:PASSWORD@HOST:587 (STARTTLS) or smtps://…:465; a secret"},
            read_smtp_url},
    key_row{{"smtp_auth", "plain", "how to log in there: plain or login"}, read_auth},
    key_row{{"smtp_ca_file", "the system's", "PEM file of those whose certificates the mail host may have"},
            read_ca_file},
    key_row{{"smtp_connections", "2", "workers that send, each over a connection of its own"},
            [](config& c, in f) { return read_count(c.mail.connections, f, 1, 8); }},
    key_row{{"mail_from", "none", "the sender, as \"School <school@school.example>\"; needed with smtp_url"},
            read_from},
    key_row{{"mail_reply_to", "none", "the address that answers go to"}, read_reply_to},
    key_row{{"mail_rate", "0: no limit", "mails a second that the host takes, over all servers of one database"},
            [](config& c, in f) { return read_count(c.mail.per_second, f, 0, 100'000); }},
    key_row{{"mail_day_max", "0: no limit", "mails a day (UTC) that the host takes; bulk mail stops at four fifths"},
            [](config& c, in f) { return read_count(c.mail.per_day, f, 0, 1'000'000'000); }},
    key_row{{"mail_late", "10m", "a mail that waits longer raises an alert"}, read_late},
    key_row{{"alert_webhook", "none", "the https URL that alerts are posted to, as JSON; a secret"}, read_webhook},
    key_row{
        {"alert_address", "none", "the address of operators: alerts, and each day a mail that says how the school is"},
        read_alert_address},
    key_row{{"mail_sns_topic", "none", "ARN of the Amazon SNS topic that reports bounces and complaints"},
            read_sns_topic},
};

} // namespace

std::span<const key_row> mail_keys() {
  return rows;
}

std::string mail_fault(const config& cfg) {
  if (!cfg.mail.host.empty() && cfg.mail.from_address.empty())
    return "mail_from is not set, and smtp_url needs a sender: write mail_from = \"School <school@school.example>\"";
  return {};
}

} // namespace lyceum
