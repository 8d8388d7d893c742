// SPDX-License-Identifier: Apache-2.0
#include "storage/media_signature.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace lyceum::storage {
namespace {

constexpr std::size_t signature_letters = 43; // 32 octets in base64url without padding
constexpr std::string_view signature_name = "&sig=";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return static_cast<unsigned>(c - '0');
  if (c >= 'A' && c <= 'F')
    return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

/// A part of a path as paths::segment writes it, so that no other spelling of the same name opens it: what needs no encoding is not
/// encoded, the rest is, in capitals. No control, no slash, no backslash even so.
bool is_canonical_segment(std::string_view part) {
  if (part.empty() || part == "." || part == "..")
    return false;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (is_plain(part[i]))
      continue;
    const auto high = part[i] == '%' && i + 2 < part.size() ? hex_digit(part[i + 1]) : std::nullopt;
    const auto low = high ? hex_digit(part[i + 2]) : std::nullopt;
    if (!low)
      return false;
    const auto octet = *high * 16 + *low;
    if (octet < 0x20 || octet == 0x7F || octet == '/' || octet == '\\' ||
        (octet < 0x80 && is_plain(static_cast<char>(octet))))
      return false;
    i += 2;
  }
  return true;
}

bool is_canonical_path(std::string_view path) {
  if (!path.starts_with('/') || path.size() < 2)
    return false;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto slash = path.find('/');
    if (!is_canonical_segment(path.substr(0, slash)))
      return false;
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
  }
  return true;
}

/// The positive number behind `name`, without sign or leading zeros; moves `text` behind it.
template <class Number>
std::optional<Number> take(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name))
    return std::nullopt;
  text.remove_prefix(name.size());
  if (text.empty() || text.front() < '1' || text.front() > '9')
    return std::nullopt;
  Number value{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{})
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  return value;
}

std::array<char, signature_letters + 1> letters_of(const signature& octets) {
  std::array<char, signature_letters + 1> out{};
  sodium_bin2base64(out.data(), out.size(), octets.data(), octets.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return out;
}

constexpr std::int64_t seconds_max = INT64_MAX / 1'000'000; // of unix_time

} // namespace

expected<std::string> sign_media(std::string_view path, media_viewer viewer, unix_time expires, unix_time now,
                                 const key_ring& ring) {
  const auto second = std::chrono::floor<std::chrono::seconds>(expires);
  if (!is_canonical_path(path))
    return fail(problem::kind::invalid, "not a path that can be signed");
  if (viewer.account <= 0 || viewer.epoch < 0 || viewer.epoch == INT64_MAX || second <= now ||
      second > now + media_life_max)
    return fail(problem::kind::invalid, "a signed address is for somebody, and for at most four hours");
  auto text = std::string(path) + "?exp=" + std::to_string(second.time_since_epoch().count()) +
              "&kid=" + std::to_string(ring.newest()) + "&u=" + std::to_string(viewer.account) +
              "&e=" + std::to_string(viewer.epoch + 1);
  const auto letters = letters_of(*ring.sign(key_purpose::media, ring.newest(), {text}));
  text.append(signature_name).append(letters.data(), signature_letters);
  if (text.size() > media_target_octets_max)
    return fail(problem::kind::invalid, "too long a path to be signed");
  return text;
}

tl::expected<media_pass, media_refusal> check_media(std::string_view target, unix_time now,
                                                    const key_ring& ring) noexcept {
  const auto no = [](media_refusal why) { return tl::unexpected(why); };
  const auto question = target.find('?');
  if (target.size() > media_target_octets_max || question == std::string_view::npos)
    return no(media_refusal::malformed);
  auto rest = target.substr(question);
  const auto seconds = take<std::int64_t>(rest, "?exp=");
  const auto which = seconds ? take<key_id>(rest, "&kid=") : std::nullopt;
  const auto viewer = which ? take<id>(rest, "&u=") : std::nullopt;
  const auto epoch = viewer ? take<std::int64_t>(rest, "&e=") : std::nullopt;
  if (!epoch || *seconds > seconds_max || rest.size() != signature_name.size() + signature_letters ||
      !rest.starts_with(signature_name) || !is_canonical_path(target.substr(0, question)))
    return no(media_refusal::malformed);

  const auto made = ring.sign(key_purpose::media, *which, {target.substr(0, target.size() - rest.size())});
  if (!made)
    return no(media_refusal::key_gone);
  // Letters are compared, not octets: the last one's two unused bits would let four spellings through.
  if (sodium_memcmp(letters_of(*made).data(), rest.data() + signature_name.size(), signature_letters) != 0)
    return no(media_refusal::forged);

  const unix_time expires{std::chrono::seconds{*seconds}};
  if (expires <= now)
    return no(media_refusal::expired);
  if (expires > now + media_life_max)
    return no(media_refusal::too_late);
  return media_pass{target.substr(0, question), {*viewer, *epoch - 1}, expires};
}

} // namespace lyceum::storage
