// SPDX-License-Identifier: Apache-2.0
#include "storage/secrets.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdexcept>

namespace lyceum::storage::secrets {
namespace {

constexpr std::size_t token_bytes = 32;
constexpr std::size_t token_length = 43;
constexpr std::size_t code_key_bytes_min = 32;
constexpr std::uint32_t codes = 1'000'000;
constexpr std::size_t code_length = 6;

/// 1 for what stands in no token. Summed up without a branch an octet, since every request of who is signed in has one to read.
constexpr std::array<unsigned char, 256> not_base64url = [] {
  std::array<unsigned char, 256> table{};
  for (std::size_t c = 0; c < table.size(); ++c)
    table[c] = !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_');
  return table;
}();

void start() {
  static const bool ready = sodium_init() >= 0;
  if (!ready)
    throw std::runtime_error("libsodium finds no random numbers");
}

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

template <std::size_t n>
std::string hex_of(const std::array<unsigned char, n>& bytes) {
  std::string text(2 * n + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), n);
  text.pop_back();
  return text;
}

} // namespace

std::string make_token() {
  start();
  std::array<unsigned char, token_bytes> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::string text(token_length + 1, '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();
  return text;
}

bool is_token(std::string_view text) {
  if (text.size() != token_length)
    return false;
  unsigned wrong = 0;
  for (const char c : text)
    wrong |= not_base64url[static_cast<unsigned char>(c)];
  return wrong == 0;
}

std::string hash_of_token(std::string_view token) {
  return hex_of(digest_of_token(token));
}

std::array<unsigned char, 32> digest_of_token(std::string_view token) noexcept {
  // OpenSSL's uses the processor's own instructions: 0.1 us where libsodium's takes 0.3. Its context is kept, or each call would take memory.
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                                     &EVP_MD_CTX_free);
  static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> sha256(EVP_MD_fetch(nullptr, "SHA256", nullptr),
                                                                      &EVP_MD_free);
  std::array<unsigned char, 32> sum{};
  unsigned length = 0;
  if (!context || !sha256 || EVP_DigestInit_ex2(context.get(), sha256.get(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), token.data(), token.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), sum.data(), &length) != 1)
    crypto_hash_sha256(sum.data(), octets(token), token.size()); // without memory for them: the same, slower
  return sum;
}

std::string make_code() {
  start();
  std::string digits = std::to_string(randombytes_uniform(codes));
  digits.insert(0, code_length - digits.size(), '0');
  return digits;
}

std::string hash_of_code(std::string_view key, std::string_view context, std::string_view code) {
  start();
  if (key.size() < code_key_bytes_min)
    throw std::invalid_argument("the key of codes is shorter than 32 octets");
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, octets(key), key.size());
  const auto length = static_cast<std::uint64_t>(context.size()); // before it, so that the border cannot move
  std::array<unsigned char, 8> border{};
  for (std::size_t i = 0; i < border.size(); ++i)
    border[i] = static_cast<unsigned char>(length >> (8 * i));
  crypto_auth_hmacsha256_update(&state, border.data(), border.size());
  crypto_auth_hmacsha256_update(&state, octets(context), context.size());
  crypto_auth_hmacsha256_update(&state, octets(code), code.size());
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> sum{};
  crypto_auth_hmacsha256_final(&state, sum.data());
  sodium_memzero(&state, sizeof state);
  return hex_of(sum);
}

bool equal(std::string_view a, std::string_view b) {
  start();
  return a.size() == b.size() && (a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0);
}

} // namespace lyceum::storage::secrets
