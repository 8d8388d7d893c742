// SPDX-License-Identifier: Apache-2.0
#include "storage/totp.hpp"

#include "storage/digest.hpp"
#include "storage/model/paths.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace lyceum::storage {
namespace {

constexpr std::string_view base32_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";   // RFC 4648 section 6
constexpr std::string_view recovery_letters = "abcdefghijkmnpqrstuvwxyz23456789"; // 32: five bits each
constexpr std::size_t recovery_length = 24, recovery_group = 6;

void demand_sodium() {
  if (sodium_init() < 0)
    throw std::runtime_error("libsodium finds no random numbers");
}

std::string without_spaces(std::string_view text) {
  std::string out(text);
  std::erase(out, ' ');
  return out;
}

std::string without_colons(std::string_view text) {
  std::string out(text);
  std::ranges::replace(out, ':', ' ');
  return paths::segment(out);
}

} // namespace

std::string make_totp_secret() {
  demand_sodium();
  std::string secret(totp_secret_octets, '\0');
  randombytes_buf(secret.data(), secret.size());
  return secret;
}

std::string base32(std::string_view octets) {
  std::string out;
  unsigned bits = 0, held = 0;
  for (const char c : octets) {
    bits = ((bits << 8) | static_cast<unsigned char>(c)) & 0xFFFF;
    for (held += 8; held >= 5; held -= 5)
      out += base32_letters[(bits >> (held - 5)) & 31];
  }
  if (held > 0)
    out += base32_letters[(bits << (5 - held)) & 31];
  return out;
}

std::optional<std::string> from_base32(std::string_view text) {
  std::string out;
  unsigned bits = 0, held = 0;
  for (const char c : text) {
    if (c == ' ')
      continue;
    const auto value = base32_letters.find(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    if (value == std::string_view::npos)
      return std::nullopt;
    bits = ((bits << 5) | static_cast<unsigned>(value)) & 0xFFFF;
    held += 5;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>((bits >> held) & 0xFF);
    }
  }
  if (held >= 5 || (bits & ((1U << held) - 1)) != 0)
    return std::nullopt;
  return out;
}

std::int64_t totp_step_of(unix_time now) noexcept {
  return std::chrono::floor<std::chrono::seconds>(now).time_since_epoch() / totp_step;
}

std::string totp_code(std::string_view secret, std::int64_t step, int digits) {
  if (digits < 6 || digits > 8)
    throw std::invalid_argument("a code has 6 to 8 digits");
  std::array<unsigned char, 8> counter{};
  for (std::size_t i = 0; i < counter.size(); ++i)
    counter[i] = static_cast<unsigned char>((static_cast<std::uint64_t>(step) >> (8 * (7 - i))) & 0xFF);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  if (HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), counter.data(), counter.size(), mac.data(),
           &size) == nullptr ||
      size != 20)
    throw std::runtime_error("HMAC-SHA-1 is not available in this OpenSSL");
  // RFC 4226 section 5.3: the last four bits say where 31 bits are taken from.
  const std::size_t at = mac[19] & 15U;
  std::uint32_t number = (mac[at] & 0x7FU) << 24 | static_cast<std::uint32_t>(mac[at + 1]) << 16 |
                         static_cast<std::uint32_t>(mac[at + 2]) << 8 | mac[at + 3];
  std::string code(static_cast<std::size_t>(digits), '0');
  for (auto place = code.rbegin(); place != code.rend(); ++place, number /= 10)
    *place = static_cast<char>('0' + number % 10);
  return code;
}

std::optional<std::int64_t> totp_taken_step(std::string_view secret, std::string_view typed, unix_time now,
                                            std::int64_t last_step) {
  const auto code = without_spaces(typed.substr(0, 32));
  if (typed.size() > 32 || code.size() != static_cast<std::size_t>(totp_digits))
    return std::nullopt;
  const auto middle = totp_step_of(now);
  std::optional<std::int64_t> taken;
  for (auto step = middle - totp_window; step <= middle + totp_window; ++step) {
    const bool same = sodium_memcmp(totp_code(secret, step).data(), code.data(), code.size()) == 0;
    if (same && step > last_step && !taken)
      taken = step;
  }
  return taken;
}

std::string totp_uri(std::string_view issuer, std::string_view label, std::string_view secret) {
  const auto from = without_colons(issuer);
  return "otpauth://totp/" + from + ":" + without_colons(label) + "?secret=" + base32(secret) + "&issuer=" + from +
         "&algorithm=SHA1&digits=6&period=30";
}

std::vector<std::string> make_recovery_codes() {
  demand_sodium();
  std::vector<std::string> codes(recovery_codes);
  for (auto& code : codes) {
    std::array<unsigned char, recovery_length> random{};
    randombytes_buf(random.data(), random.size());
    for (std::size_t i = 0; i < random.size(); ++i) {
      if (i > 0 && i % recovery_group == 0)
        code += '-';
      code += recovery_letters[random[i] & 31U];
    }
  }
  return codes;
}

std::string recovery_hash(std::string_view typed) {
  std::string code;
  for (const char c : typed.substr(0, 64)) {
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (small == ' ' || small == '-')
      continue;
    if (recovery_letters.find(small) == std::string_view::npos)
      return {};
    code += small;
  }
  return typed.size() > 64 || code.size() != recovery_length ? std::string() : sha256_hex(code);
}

std::optional<std::size_t> find_recovery(std::string_view typed, std::span<const std::string> hashes) {
  const auto given = recovery_hash(typed);
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < hashes.size(); ++i)
    if (!given.empty() && hashes[i].size() == given.size() &&
        sodium_memcmp(hashes[i].data(), given.data(), given.size()) == 0)
      found = i;
  return found;
}

} // namespace lyceum::storage
