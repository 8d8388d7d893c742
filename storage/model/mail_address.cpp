// SPDX-License-Identifier: Apache-2.0
#include "storage/model/mail_address.hpp"

#include "storage/model/characters.hpp"
#include "storage/model/mail.hpp"
#include "storage/model/punycode.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace lyceum {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_ascii(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

/// RFC 5322 3.2.3's atext, and RFC 6531's characters beyond ASCII.
bool is_atom(char c) {
  return is_letter(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80 ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

// Beyond ASCII: what nobody sees or what stands for a space or a dot, so that two addresses would look the same.
bool is_unseen(std::uint32_t c) {
  static constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 18> ranges = {{
      {0x80, 0xA0},     // C1 controls, no-break space
      {0xAD, 0xAD},     // soft hyphen
      {0x34F, 0x34F},   // grapheme joiner
      {0x61C, 0x61C},   // Arabic letter mark
      {0x115F, 0x1160}, // Hangul fillers
      {0x1680, 0x1680}, // Ogham space
      {0x17B4, 0x17B5}, // Khmer inherent vowels
      {0x180B, 0x180F}, // Mongolian selectors
      {0x2000, 0x200F}, // spaces, joiners, marks of direction
      {0x2028, 0x202F}, // line ends, embeddings of direction
      {0x205F, 0x206F}, // spaces, isolates of direction
      {0x2800, 0x2800}, // empty Braille pattern
      {0x3000, 0x3000}, // ideographic space
      {0x3164, 0x3164}, // Hangul filler
      {0xFE00, 0xFE0F}, // variation selectors
      {0xFEFF, 0xFEFF}, // byte order mark
      {0xFFA0, 0xFFA0}, // Hangul filler of half width
      {0xFFF0, 0xFFFF}, // specials, not characters
  }};
  return std::ranges::any_of(ranges, [c](const auto& r) { return c >= r.first && c <= r.second; }) ||
         (c >= 0xE0000 && c <= 0xE0FFF) || (c & 0xFFFE) == 0xFFFE;
}

// What browsers and registries read as ASCII in a domain (UTS 46): ideographic and small dots, letters of full width.
bool stands_for_ascii(std::uint32_t c) {
  return c == 0x3002 || c == 0xFF61 || c == 0x2024 || c == 0xFE52 || (c >= 0xFF01 && c <= 0xFF5E);
}

std::optional<std::string> fault_of_characters(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto c = next_character(text, at);
    if (c == no_character)
      return "The address is not valid UTF-8.";
    if (c == '\r' || c == '\n')
      return "The address holds a line end.";
    if (c < 0x20 || c == 0x7F)
      return "The address holds a control character.";
    if (c >= 0x80 && is_unseen(c))
      return "The address holds an invisible character. Type it by hand instead of pasting it.";
  }
  return std::nullopt;
}

std::string fault_at(char c) {
  if (c == ' ')
    return "There is a space in the address.";
  if (c == '(' || c == ')')
    return "An address with a comment in parentheses is not taken. Leave the comment out.";
  if (c == '<' || c == '>')
    return "Give the address alone, without a name and without < and >.";
  if (c == ',' || c == ';')
    return "Give one address, without , or ;.";
  if (c == '@')
    return "There is more than one @ in the address.";
  return std::string("The character ") + c + " cannot stand in an address there.";
}

/// The local part of a quoted string that `text` begins with, and moves `text` behind its second quote.
expected<std::string> read_quoted(std::string_view& text) {
  std::string local;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return local;
    }
    const bool escaped = text[i] == '\\';
    if (escaped && ++i == text.size())
      break;
    if (escaped && static_cast<unsigned char>(text[i]) >= 0x80)
      return fail(problem::kind::invalid, "A backslash in an address stands only before an ASCII character.");
    local += text[i];
  }
  return fail(problem::kind::invalid, "A quote in the address is not closed.");
}

bool needs_quotes(std::string_view local) {
  return local.empty() || local.front() == '.' || local.back() == '.' || local.find("..") != std::string_view::npos ||
         !std::ranges::all_of(local, [](char c) { return c == '.' || is_atom(c); });
}

std::string written(std::string_view local) {
  if (!needs_quotes(local))
    return std::string(local);
  std::string out = "\"";
  for (const char c : local) {
    if (c == '"' || c == '\\')
      out += '\\';
    out += c;
  }
  return out + '"';
}

expected<std::string> read_atoms(std::string_view& text) {
  const auto end = text.find('@');
  const auto local = text.substr(0, end);
  for (const char c : local)
    if (c != '.' && !is_atom(c))
      return fail(problem::kind::invalid, fault_at(c));
  if (end == std::string_view::npos)
    return fail(problem::kind::invalid, "The address needs an @.");
  if (local.empty())
    return fail(problem::kind::invalid, "Something must stand before the @.");
  if (needs_quotes(local))
    return fail(problem::kind::invalid, "A dot cannot be first or last before the @, nor follow another dot.");
  text.remove_prefix(end);
  return std::string(local);
}

std::string lowered(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();)
    add_character(out, small_letter(next_character(text, at)));
  return out;
}

/// Calls `use(label)` for each label between dots; ends early where it returns false.
template <class Use>
void for_each_label(std::string_view domain, Use&& use) {
  while (true) {
    const auto dot = domain.find('.');
    if (!use(domain.substr(0, dot)) || dot == std::string_view::npos)
      return;
    domain.remove_prefix(dot + 1);
  }
}

std::string ascii_label(std::string_view label) {
  const auto small = lowered(label);
  return is_ascii(small) ? small : "xn--" + punycode(small);
}

std::optional<std::string> fault_of_label(std::string_view label) {
  if (label.empty())
    return "A dot cannot be first or last after the @, nor follow another dot.";
  if (label.front() == '-' || label.back() == '-')
    return "A part of the domain cannot begin or end with -.";
  for (const char c : label)
    if (!is_letter(c) && !is_digit(c) && c != '-' && static_cast<unsigned char>(c) < 0x80)
      return fault_at(c);
  for (std::size_t at = 0; at < label.size();)
    if (stands_for_ascii(next_character(label, at)))
      return "Write the dots and the Latin letters of the domain in normal width.";
  const bool reserved = label.size() > 3 && label[2] == '-' && label[3] == '-'; // RFC 5891 4.2.3.1
  if (reserved && (lowered(label.substr(0, 2)) != "xn" || label.size() == 4 || !is_ascii(label)))
    return "A part of the domain cannot have -- as its third and fourth character.";
  return std::nullopt;
}

expected<void> judge_domain(std::string_view domain) {
  if (domain.empty())
    return fail(problem::kind::invalid, "A domain must stand after the @, as in ann@example.org.");
  if (domain.front() == '[')
    return fail(problem::kind::invalid, "An address with an IP address is not taken. Give one with a domain name.");
  std::optional<std::string> fault;
  bool too_long = false;
  std::size_t octets = 0;
  std::string_view last;
  for_each_label(domain, [&](std::string_view label) {
    fault = fault_of_label(label);
    if (fault)
      return false;
    const auto asked = ascii_label(label).size();
    too_long = too_long || asked > mail_address::label_octets_max;
    octets += asked + 1;
    last = label;
    return true;
  });
  if (fault)
    return fail(problem::kind::invalid, *fault);
  if (too_long || octets - 1 > mail_address::domain_octets_max)
    return fail(problem::kind::too_large, "The domain of the address is too long.");
  if (last.size() == domain.size())
    return fail(problem::kind::invalid, "The domain needs a dot, as in example.org.");
  if (std::ranges::all_of(last, is_digit))
    return fail(problem::kind::invalid, "An address with an IP address is not taken. Give one with a domain name.");
  return {};
}

} // namespace

expected<mail_address> mail_address::parse(std::string_view text) {
  if (text.empty())
    return fail(problem::kind::invalid, "Give an address.");
  if (text.size() > octets_max)
    return fail(problem::kind::too_large, "The address is longer than 254 octets.");
  if (auto fault = fault_of_characters(text))
    return fail(problem::kind::invalid, *fault);

  auto rest = text;
  auto local = rest.front() == '"' ? read_quoted(rest) : read_atoms(rest);
  if (!local)
    return tl::unexpected(local.error());
  if (local->empty())
    return fail(problem::kind::invalid, "Something must stand between the quotes.");
  if (rest.empty() || rest.front() != '@')
    return fail(problem::kind::invalid, "An @ must follow the quoted part of the address.");
  const auto domain = rest.substr(1);
  if (text.size() - rest.size() > local_octets_max)
    return fail(problem::kind::too_large, "The part before the @ is longer than 64 octets.");
  if (auto good = judge_domain(domain); !good)
    return tl::unexpected(good.error());
  return mail_address(std::move(*local), std::string(domain));
}

std::string mail_address::text() const {
  return written(local_) + "@" + domain_;
}

std::string mail_address::ascii_domain() const {
  std::string out;
  for_each_label(domain_, [&](std::string_view label) {
    out += out.empty() ? "" : ".";
    out += ascii_label(label);
    return true;
  });
  return out;
}

std::string mail_address::folded() const {
  std::string local = written(local_);
  for (char& c : local)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return local + "@" + ascii_domain();
}

bool mail_address::needs_smtputf8() const noexcept {
  return !is_ascii(local_);
}

std::string mail_address::masked() const {
  std::size_t first = 0;
  const auto c = next_character(local_, first);
  const bool shown = first < local_.size() && (c >= 0x80 || is_letter(local_.front()) || is_digit(local_.front()));
  return (shown ? local_.substr(0, first) : std::string()) + "…@" + domain_;
}

std::optional<std::string> address_for_mail(const mail_address& address) {
  const bool plain = std::ranges::all_of(address.domain(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  auto text = address.local() + "@" + (plain ? address.domain() : address.ascii_domain());
  return is_mail_address(text) ? std::optional(std::move(text)) : std::nullopt;
}

} // namespace lyceum
