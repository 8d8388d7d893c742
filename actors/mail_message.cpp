// SPDX-License-Identifier: Apache-2.0
#include "actors/mail_message.hpp"

#include "storage/words.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace lyceum {
namespace {

constexpr std::string_view line_end = "\r\n";
// Quoted-printable never writes "=_", so no part can hold a boundary (RFC 2045, 6.7).
constexpr std::string_view boundary = "=_lyceum_part";
constexpr std::size_t quoted_line_max = 76; // with the "=" of a soft break
// Octets of UTF-8 in an encoded word: its line has at most 76 characters (RFC 2047, 2), of which "Reply-To: " and "=?UTF-8?B?" "?=" take 22;
// three octets for each four of the rest.
constexpr std::size_t word_octets_max = 39;
// A header's line is folded after 78 characters (RFC 5322, 2.1.1); the longest name of ours takes 26 of them.
constexpr std::size_t plain_header_max = 50;

std::size_t length_of_character(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k)
      three = three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? digits[three >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

bool is_plain(std::string_view value) {
  return value.size() <= plain_header_max && value.find("=?") == std::string_view::npos &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; }) &&
         (value.empty() || (value.front() != ' ' && value.back() != ' '));
}

// RFC 5322, 3.4: a phrase is atoms, or quoted.
std::string phrase(std::string_view name) {
  if (!is_plain(name))
    return encoded_header(name);
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\')
      quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string written(const mailbox& box) {
  if (box.name.empty())
    return box.address;
  const std::string name = phrase(box.name);
  const bool fits = name.size() + box.address.size() < 60;
  return name + (fits ? " <" : "\r\n <") + box.address + ">";
}

std::string fault_of(std::string_view name, std::string_view value) {
  if (const auto fault = mail_header_fault(value); !fault.empty())
    return std::string(name) + ": " + fault;
  return storage::first_bad_utf8(value) ? std::string(name) + ": not UTF-8" : "";
}

std::string fault_of(std::string_view name, const mailbox& box) {
  if (!is_mail_address(box.address))
    return std::string(name) + ": not an address";
  return fault_of(name, box.name);
}

bool is_url(std::string_view text) {
  return text.starts_with("https://") &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~' && c != '<' && c != '>'; });
}

std::string fault_of(const mail_message& m) {
  for (const auto& fault : {fault_of("from", m.from), fault_of("to", m.to), fault_of("subject", m.subject)})
    if (!fault.empty())
      return fault;
  if (!m.reply_to.address.empty())
    if (auto fault = fault_of("reply-to", m.reply_to); !fault.empty())
      return fault;
  const std::string_view id = m.message_id;
  if (id.size() < 2 || id.front() != '<' || id.back() != '>' || !is_mail_address(id.substr(1, id.size() - 2)))
    return "message-id: not one";
  if (!m.language.empty() && !storage::is_language(m.language))
    return "language: not a tag";
  if (!m.list_unsubscribe.empty() && (!is_url(m.list_unsubscribe) || m.list_unsubscribe.size() > mail_header_bytes_max))
    return "list-unsubscribe: not an https URL";
  if (!m.list_unsubscribe_mailto.empty() && !is_mail_address(m.list_unsubscribe_mailto))
    return "list-unsubscribe: not an address";
  if (m.text.empty())
    return "text: empty";
  if (storage::first_bad_utf8(m.text) || storage::first_bad_utf8(m.html))
    return "text: not UTF-8";
  return "";
}

void add_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append(line_end);
}

void add_part(std::string& out, std::string_view type, std::string_view body) {
  add_header(out, "Content-Type", std::string(type) + "; charset=utf-8");
  add_header(out, "Content-Transfer-Encoding", "quoted-printable");
  out.append(line_end).append(quoted_printable(body)).append(line_end);
}

void add_unsubscribing(std::string& out, const mail_message& m) {
  const auto enclosed = [](std::string_view scheme, const std::string& what) {
    return what.empty() ? std::string() : "<" + std::string(scheme) + what + ">";
  };
  const std::string url = enclosed("", m.list_unsubscribe);
  const std::string mail = enclosed("mailto:", m.list_unsubscribe_mailto);
  if (url.empty() && mail.empty())
    return;
  add_header(out, "List-Unsubscribe", url + (url.empty() || mail.empty() ? "" : ",\r\n ") + mail);
  if (!url.empty())
    add_header(out, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
}

} // namespace

std::string encoded_header(std::string_view value) {
  if (is_plain(value))
    return std::string(value);
  std::string out;
  while (!value.empty()) {
    std::size_t octets = 0;
    while (octets < value.size()) {
      const std::size_t next = octets + length_of_character(value[octets]);
      if (next > word_octets_max)
        break;
      octets = std::min(next, value.size());
    }
    if (!out.empty())
      out += "\r\n ";
    out += "=?UTF-8?B?" + base64(value.substr(0, octets)) + "?=";
    value.remove_prefix(octets);
  }
  return out;
}

std::string quoted_printable(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  std::size_t column = 0;
  const auto at_line_end = [&](std::size_t i) { return i >= text.size() || text[i] == '\r' || text[i] == '\n'; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (at_line_end(i)) {
      if (byte == '\r' && i + 1 < text.size() && text[i + 1] == '\n')
        ++i;
      out += line_end;
      column = 0;
      continue;
    }
    const bool blank = byte == ' ' || byte == '\t';
    const bool plain = (byte > ' ' && byte <= '~' && byte != '=') || (blank && !at_line_end(i + 1));
    const auto width = [&] {
      const bool looks_like_a_mailbox = column == 0 && text.substr(i).starts_with("From ");
      return std::size_t{plain && !looks_like_a_mailbox ? 1U : 3U};
    };
    if (column + width() > quoted_line_max - (at_line_end(i + 1) ? 0 : 1)) {
      out += "=\r\n";
      column = 0;
    }
    const std::size_t columns = width();
    if (columns == 1)
      out += text[i];
    else {
      out += '=';
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
    column += columns;
  }
  return out;
}

std::string mail_date(unix_time when) {
  constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto midnight = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day day(midnight);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(when - midnight));
  const auto two = [](auto number) {
    const auto n = static_cast<unsigned>(number);
    return std::string(n < 10 ? "0" : "") + std::to_string(n);
  };
  std::string out(days[std::chrono::weekday(midnight).c_encoding()]);
  out += ", " + two(static_cast<unsigned>(day.day())) + " ";
  out += months[static_cast<unsigned>(day.month()) - 1];
  out += " " + std::to_string(static_cast<int>(day.year())) + " ";
  return out + two(time.hours().count()) + ":" + two(time.minutes().count()) + ":" + two(time.seconds().count()) +
         " +0000";
}

expected<std::string> compose(const mail_message& m) {
  if (auto fault = fault_of(m); !fault.empty())
    return fail(problem::kind::invalid, std::move(fault));
  if (m.text.size() + m.html.size() > mail_message_bytes_max)
    return fail(problem::kind::too_large, "the mail is too long");
  std::string out;
  add_header(out, "Date", mail_date(m.date));
  add_header(out, "From", written(m.from));
  add_header(out, "To", written(m.to));
  if (!m.reply_to.address.empty())
    add_header(out, "Reply-To", written(m.reply_to));
  add_header(out, "Subject", encoded_header(m.subject));
  add_header(out, "Message-ID", m.message_id);
  add_header(out, "Auto-Submitted", "auto-generated");
  add_unsubscribing(out, m);
  if (!m.language.empty())
    add_header(out, "Content-Language", m.language);
  add_header(out, "MIME-Version", "1.0");
  if (m.html.empty())
    add_part(out, "text/plain", m.text);
  else {
    const std::string mark = "--" + std::string(boundary);
    add_header(out, "Content-Type", "multipart/alternative; boundary=\"" + std::string(boundary) + "\"");
    out.append(line_end).append(mark).append(line_end);
    add_part(out, "text/plain", m.text);
    out.append(mark).append(line_end);
    add_part(out, "text/html", m.html);
    out.append(mark).append("--").append(line_end);
  }
  if (out.size() > mail_message_bytes_max)
    return fail(problem::kind::too_large, "the mail is too long");
  return out;
}

} // namespace lyceum
