// SPDX-License-Identifier: Apache-2.0
#include "http/admission.hpp"

#include "actors/exchange.hpp"

#include <array>
#include <charconv>
#include <cstring>

namespace lyceum::http {
namespace {

enum : unsigned char { tchar = 1, host_char = 2, hex_char = 4 };

constexpr std::array<unsigned char, 256> classes = [] {
  std::array<unsigned char, 256> table{};
  const auto mark = [&](std::string_view octets, unsigned char with) {
    for (const char c : octets)
      table[static_cast<unsigned char>(c)] = static_cast<unsigned char>(table[static_cast<unsigned char>(c)] | with);
  };
  for (unsigned c = 'a'; c <= 'z'; ++c)
    table[c] = table[c - 'a' + 'A'] = tchar | host_char;
  for (unsigned c = '0'; c <= '9'; ++c)
    table[c] = tchar | host_char | hex_char;
  mark("!#$%&'*+-.^_`|~", tchar);
  mark("-._~!$&'()*+,;=", host_char); // unreserved and sub-delims (RFC 3986 3.2.2)
  mark("abcdefABCDEF", hex_char);
  return table;
}();

bool is(char c, unsigned char what) {
  return (classes[static_cast<unsigned char>(c)] & what) != 0;
}

bool all(std::string_view text, unsigned char what) {
  for (const char c : text)
    if (!is(c, what))
      return false;
  return true;
}

bool is_digits(std::string_view text) {
  for (const char c : text)
    if (c < '0' || c > '9')
      return false;
  return !text.empty();
}

/// True where one of eight octets is below 20 or 7F (SWAR; HTAB counts, so the caller looks again).
bool has_control(std::uint64_t octets) {
  constexpr std::uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
  const std::uint64_t low = (octets - ones * 0x20) & ~octets;
  const std::uint64_t del = octets ^ (ones * 0x7F);
  return ((low | ((del - ones) & ~del)) & tops) != 0;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

/// Calls `each` for the members of a comma-separated list that are not empty.
template <class Each>
void for_each_member(std::string_view list, Each&& each) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (const auto member = trimmed(list.substr(0, comma)); !member.empty())
      each(member);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
}

bool is_ipv4(std::string_view text) {
  int parts = 0;
  while (true) {
    const auto dot = text.find('.');
    const auto part = text.substr(0, dot);
    if (!is_digits(part) || part.size() > 3 || (part.size() > 1 && part[0] == '0') ||
        (part.size() == 3 && part > "255"))
      return false;
    ++parts;
    if (dot == std::string_view::npos)
      return parts == 4;
    text.remove_prefix(dot + 1);
  }
}

/// RFC 3986 IPv6address: groups of hexadecimal digits, one "::" at most, IPv4 as the last 32 bits.
bool is_ipv6(std::string_view text) {
  int groups = 0;
  bool gap = false;
  if (text.starts_with("::")) {
    gap = true;
    text.remove_prefix(2);
    if (text.empty())
      return true;
  }
  while (true) {
    const auto colon = text.find(':');
    const auto group = text.substr(0, colon);
    if (colon == std::string_view::npos && group.find('.') != std::string_view::npos) {
      if (!is_ipv4(group))
        return false;
      groups += 2;
    } else {
      if (group.empty() || group.size() > 4 || !all(group, hex_char))
        return false;
      ++groups;
    }
    if (colon == std::string_view::npos)
      break;
    text.remove_prefix(colon + 1);
    if (text.starts_with(':')) {
      if (gap)
        return false;
      gap = true;
      text.remove_prefix(1);
      if (text.empty())
        break;
    } else if (text.empty()) {
      return false;
    }
  }
  return gap ? groups <= 7 : groups == 8;
}

bool is_reg_name(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !is(text[i + 1], hex_char) || !is(text[i + 2], hex_char))
        return false;
      i += 2;
    } else if (!is(text[i], host_char)) {
      return false;
    }
  }
  return !text.empty();
}

/// Octets of a target: 21–7E, and no fragment, which no client sends (RFC 9112 3.2).
bool is_target(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F || c == '#')
      return false;
  return true;
}

bool starts_with_nocase(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && iequals(text.substr(0, with.size()), with);
}

constexpr refusal bad(const char* why) {
  return {400, why};
}

std::optional<refusal> read_method(std::string_view method) {
  switch (method.size()) {
  case 3:
    if (method == "GET" || method == "PUT")
      return std::nullopt;
    break;
  case 4:
    if (method == "HEAD" || method == "POST")
      return std::nullopt;
    break;
  default:
    if (method == "PATCH" || method == "DELETE" || method == "OPTIONS")
      return std::nullopt;
  }
  if (!is_token(method))
    return bad("the method is not a token");
  return refusal{501, "a method that is not served"};
}

std::optional<refusal> read_version(std::string_view version, head& out) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (version.size() != 8 || !version.starts_with("HTTP/") || !digit(version[5]) || version[6] != '.' ||
      !digit(version[7]))
    return bad("no HTTP version");
  if (version[5] != '1')
    return refusal{505, "only HTTP/1 is spoken here"};
  out.minor = version[7] == '0' ? 0 : 1;
  return std::nullopt;
}

/// `absolute`: set where the target named a host itself.
std::optional<refusal> read_target(std::string_view target, head& out, bool& absolute) {
  if (!is_target(target))
    return bad("octets that a target may not have");
  if (target.starts_with('/')) {
    out.target = target;
    return std::nullopt;
  }
  if (target == "*") {
    out.target = target;
    if (out.method != "OPTIONS")
      return bad("the target * is for OPTIONS");
    return std::nullopt;
  }
  const std::size_t scheme = starts_with_nocase(target, "http://") ? 7 : starts_with_nocase(target, "https://") ? 8 : 0;
  if (scheme == 0)
    return bad("neither a path nor an http URL");
  target.remove_prefix(scheme);
  const auto path = target.find_first_of("/?");
  const auto authority = target.substr(0, path);
  if (!is_authority(authority, out.host))
    return bad("the URL's host is malformed");
  absolute = true;
  out.target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  return std::nullopt; // "?query" without a path is kept so: target.cpp reads it as "/?query"
}

/// What field lines decide together, while they are read one by one.
struct framing {
  bool host = false;
  bool length = false;
  bool coding = false;
  bool close = false;
  bool keep = false;
  bool encodings = false;
  bool none_match = false;
};

std::optional<refusal> read_coding(std::string_view value, framing& seen, head& out) {
  if (seen.coding)
    return bad("two Transfer-Encoding lines");
  seen.coding = true;
  if (iequals(value, "chunked")) {
    out.chunked = true;
    return std::nullopt;
  }
  std::string_view last;
  std::size_t count = 0, chunked = 0;
  bool tokens = true;
  for_each_member(value, [&](std::string_view coding) {
    last = coding;
    ++count;
    chunked += iequals(coding, "chunked");
    tokens = tokens && is_token(coding);
  });
  if (tokens && count > 1 && chunked == 1 && iequals(last, "chunked"))
    return refusal{501, "a transfer coding that is not served"};
  return bad("chunked is not the last transfer coding"); // RFC 9112 6.3: the length cannot be told
}

std::optional<refusal> read_length(std::string_view value, framing& seen, head& out) {
  if (seen.length)
    return bad("two Content-Length lines");
  seen.length = true;
  std::uint64_t bytes = 0;
  const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), bytes);
  if (!is_digits(value) || wrong != std::errc() || end != value.data() + value.size())
    return bad("Content-Length is not a number");
  out.content_length = bytes;
  return std::nullopt;
}

/// Looks at the fields that decide something here; most names are told apart by their length.
std::optional<refusal> read_field(std::string_view name, std::string_view value, framing& seen, head& out,
                                  bool absolute) {
  switch (name.size()) {
  case 4:
    if (iequals(name, "host")) {
      std::string_view host;
      if (seen.host)
        return bad("two Host lines");
      seen.host = true;
      if (!is_authority(value, host))
        return bad("Host is malformed");
      if (!absolute)
        out.host = host;
    }
    break;
  case 6:
    if (iequals(name, "cookie")) {
      out.cookie = out.has_cookie ? std::string_view() : value;
      out.has_cookie = true;
    } else if (iequals(name, "expect") && out.minor == 1) {
      if (!iequals(value, "100-continue"))
        return refusal{417, "an expectation that is not known"};
      out.expects_continue = true;
    }
    break;
  case 10:
    if (iequals(name, "connection"))
      for_each_member(value, [&](std::string_view option) {
        seen.close = seen.close || iequals(option, "close");
        seen.keep = seen.keep || iequals(option, "keep-alive");
      });
    break;
  case 13:
    if (iequals(name, "if-none-match")) {
      out.if_none_match = seen.none_match ? std::string_view() : value;
      seen.none_match = true;
    } else if (iequals(name, "authorization"))
      out.has_authorization = true;
    break;
  case 14:
    if (iequals(name, "content-length"))
      return read_length(value, seen, out);
    break;
  case 15:
    if (iequals(name, "accept-encoding")) {
      out.accept_encoding = seen.encodings ? std::string_view() : value;
      seen.encodings = true;
    }
    break;
  case 17:
    if (iequals(name, "transfer-encoding"))
      return read_coding(value, seen, out);
    if (iequals(name, "if-modified-since"))
      out.if_modified_since = value;
    break;
  default:
    break;
  }
  return std::nullopt;
}

std::optional<refusal> agree(const framing& seen, head& out) {
  if (!seen.host && out.minor == 1)
    return bad("no Host");
  if (seen.coding && seen.length)
    return bad("both Content-Length and Transfer-Encoding");
  if (seen.coding && out.minor == 0)
    return bad("Transfer-Encoding in HTTP/1.0");
  out.keep_alive = out.minor == 1 ? !seen.close : seen.keep && !seen.close;
  return std::nullopt;
}

} // namespace

bool is_token(std::string_view text) noexcept {
  return !text.empty() && all(text, tchar);
}

bool is_field_value(std::string_view text) noexcept {
  while (text.size() >= 8) {
    std::uint64_t octets;
    std::memcpy(&octets, text.data(), 8);
    if (has_control(octets))
      break;
    text.remove_prefix(8);
  }
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if ((octet < 0x20 && octet != '\t') || octet == 0x7F)
      return false;
  }
  return true;
}

bool is_authority(std::string_view text, std::string_view& host) noexcept {
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos || !is_ipv6(text.substr(1, end - 1)))
      return false;
    host = text.substr(0, end + 1);
    port = text.substr(end + 1);
    if (!port.empty() && port.front() != ':')
      return false;
  } else {
    const auto colon = text.find(':');
    host = text.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
    if (host.size() > 255 || !is_reg_name(host))
      return false;
  }
  if (port.size() <= 1)
    return true; // "host:" is RFC 3986's grammar
  port.remove_prefix(1);
  unsigned number = 0;
  const auto [end, wrong] = std::from_chars(port.data(), port.data() + port.size(), number);
  return is_digits(port) && wrong == std::errc() && end == port.data() + port.size() && number <= 65535;
}

head_scan::result head_scan::look(std::string_view arrived) {
  if (checked == 0 && !arrived.empty()) {
    if (arrived[0] == '\r') {
      if (arrived.size() < 2)
        return {};
      if (arrived[1] != '\n')
        return {0, bad("a bare CR")};
      checked = skipped = 2;
    }
    if (arrived.size() > checked && !is(arrived[checked], tchar))
      return {0, bad("this is not HTTP")};
    if (arrived.size() == checked)
      return checked = 0, result{};
  }
  while (true) {
    const auto* from = arrived.data() + checked;
    const std::size_t left = arrived.size() - checked;
    const auto* found = left == 0 ? nullptr : static_cast<const char*>(std::memchr(from, '\n', left));
    const std::size_t length = found != nullptr ? static_cast<std::size_t>(found - from) + 1 : left;
    if (length > head_limits::line_max + 2)
      return {0, lines == 0 ? refusal{414, "the request line is too long"} : refusal{431, "a field is too long"}};
    if (fields_at != 0 && checked + length - fields_at > fields_max + 2)
      return {0, refusal{431, "the fields are too long"}};
    if (found == nullptr)
      return {};
    if (length < 2 || from[length - 2] != '\r')
      return {0, bad("a bare LF")};
    checked += length;
    if (lines == 0)
      fields_at = checked;
    if (length == 2)
      return {checked, std::nullopt};
    if (++lines > head_limits::count_max + 1)
      return {0, refusal{431, "too many fields"}};
  }
}

std::optional<refusal> admit(std::string_view header, head& out) {
  out = head{};
  const auto line_end = header.find("\r\n");
  if (line_end == std::string_view::npos || !header.ends_with("\r\n\r\n"))
    return bad("no header");
  const auto line = header.substr(0, line_end);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return bad("the request line has not three parts");
  if (line.size() > head_limits::line_max)
    return refusal{414, "the request line is too long"};

  out.method = line.substr(0, first);
  if (auto no = read_version(line.substr(last + 1), out))
    return no;
  bool absolute = false;
  const auto method = read_method(out.method);
  if (method && method->status == 400)
    return method;
  if (out.method == "CONNECT")
    return method;
  if (auto no = read_target(line.substr(first + 1, last - first - 1), out, absolute))
    return no;
  if (method)
    return method;

  framing seen;
  out.fields = header.substr(line_end + 2, header.size() - line_end - 4);
  std::string_view rest = out.fields;
  while (!rest.empty()) {
    const auto* const end = static_cast<const char*>(std::memchr(rest.data(), '\r', rest.size()));
    const auto size = end == nullptr ? rest.size() : static_cast<std::size_t>(end - rest.data());
    if (size + 1 >= rest.size() || rest[size + 1] != '\n')
      return bad("a bare CR");
    const auto field = rest.substr(0, size);
    rest.remove_prefix(size + 2);
    std::size_t colon = 0;
    while (colon < field.size() && is(field[colon], tchar))
      ++colon;
    if (colon == 0 || colon == field.size() || field[colon] != ':')
      return bad("a field line without a name"); // also obs-fold, and white space before the colon
    const auto value = trimmed(field.substr(colon + 1));
    if (!is_field_value(value))
      return bad("octets that a field may not have");
    if (auto no = read_field(field.substr(0, colon), value, seen, out, absolute))
      return no;
  }
  return agree(seen, out);
}

} // namespace lyceum::http
