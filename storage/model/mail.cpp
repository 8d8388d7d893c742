// SPDX-License-Identifier: Apache-2.0
#include "storage/model/mail.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace lyceum {
namespace {

constexpr std::array<std::pair<mail_state, std::string_view>, 7> states{{
    {mail_state::queued, "queued"},
    {mail_state::sending, "sending"},
    {mail_state::sent, "sent"},
    {mail_state::deferred, "deferred"},
    {mail_state::failed, "failed"},
    {mail_state::suppressed, "suppressed"},
    {mail_state::uncertain, "uncertain"},
}};

constexpr bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Every piece between dots is there and keeps the rule.
template <class Rule>
bool each_between_dots(std::string_view text, Rule&& rule) {
  for (;;) {
    const auto dot = text.find('.');
    if (!rule(text.substr(0, dot)))
      return false;
    if (dot == std::string_view::npos)
      return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_atom(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-/=?^_`{|}~"; // RFC 5322, atext
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alphanumeric(c) || marks.find(c) != std::string_view::npos;
  });
}

bool is_host_label(std::string_view text) {
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || c == '-'; });
}

} // namespace

std::string_view to_string(mail_state state) {
  return states[static_cast<std::size_t>(state)].second;
}

std::optional<mail_state> mail_state_of(std::string_view text) {
  for (const auto& [state, word] : states)
    if (word == text)
      return state;
  return std::nullopt;
}

std::string_view to_string(delivery::result how) {
  switch (how) {
  case delivery::result::sent:
    return "sent";
  case delivery::result::deferred:
    return "deferred";
  case delivery::result::refused:
    return "refused";
  case delivery::result::uncertain:
    return "uncertain";
  case delivery::result::unreachable:
    return "unreachable";
  case delivery::result::misconfigured:
    return "misconfigured";
  case delivery::result::interrupted:
    return "interrupted";
  }
  return "";
}

std::string_view to_string(suppression_kind kind) {
  switch (kind) {
  case suppression_kind::bounce:
    return "bounce";
  case suppression_kind::complaint:
    return "complaint";
  case suppression_kind::by_hand:
    return "by_hand";
  }
  return "";
}

bool is_mail_address(std::string_view address) {
  const auto at = address.rfind('@');
  return address.size() <= mail_address_bytes_max && at != std::string_view::npos && at <= mail_local_part_bytes_max &&
         each_between_dots(address.substr(0, at), is_atom) && each_between_dots(address.substr(at + 1), is_host_label);
}

std::string message_id_host(std::string_view base_url) {
  const auto from = base_url.find("://");
  auto host = from == std::string_view::npos ? std::string_view() : base_url.substr(from + 3);
  host = host.substr(0, host.find_first_of(":/"));
  return each_between_dots(host, is_host_label) ? std::string(host) : "localhost";
}

std::string mail_address_key(std::string_view address) {
  std::string key(address);
  for (char& c : key)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return key;
}

std::string mail_header_fault(std::string_view value) {
  if (value.size() > mail_header_bytes_max)
    return "longer than " + std::to_string(mail_header_bytes_max) + " bytes";
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto byte = static_cast<unsigned char>(value[i]);
    const auto follows = [&](std::size_t by) {
      return i + by < value.size() ? static_cast<unsigned char>(value[i + by]) : 0U;
    };
    if (byte == '\r' || byte == '\n')
      return "a line break";
    if (byte < 0x20 || byte == 0x7f || (byte == 0xc2 && follows(1) >= 0x80 && follows(1) <= 0x9f))
      return "a control character";
    if (byte == 0xe2 && follows(1) == 0x80 && (follows(2) == 0xa8 || follows(2) == 0xa9))
      return "a line break";
  }
  return "";
}

bool is_mail_template(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string make_message_id(id number, std::string_view host) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 36).ptr;
  return "<" + std::string(digits.data(), end) + "@" + std::string(host) + ">";
}

} // namespace lyceum
