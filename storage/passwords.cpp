// SPDX-License-Identifier: Apache-2.0
#include "storage/passwords.hpp"

#include "storage/common_passwords.hpp"
#include "storage/model/characters.hpp"
#include "storage/words.hpp"

#include <sodium.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <stdexcept>

namespace lyceum::storage {
namespace {

// A hash with more was not made by us nor by any import: verifying it would take what the whole site needs.
constexpr unsigned long memory_kib_max = 256UL * 1024;
constexpr unsigned long passes_max = 16;
constexpr std::size_t name_octets_min = 4; // shorter names stand in too many good passwords
constexpr std::size_t memory_octets = password_memory_kib * 1024;

void demand_sodium() {
  if (sodium_init() < 0)
    throw std::runtime_error("libsodium finds no random numbers");
}

std::optional<std::size_t> characters_of(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count)
    if (next_character(text, at) == no_character)
      return std::nullopt;
  return count;
}

/// In small letters, without what names and addresses put between words.
std::string joined(std::string_view text) {
  auto out = lower_ascii(text);
  std::erase_if(out, [](char c) { return std::string_view(" .,-_'+@").find(c) != std::string_view::npos; });
  return out;
}

/// True where a guesser who knows `name` comes to `password`: it, with additions, doubled, or signs for letters.
bool is_made_from(std::string_view password, std::string_view name) {
  const auto word = joined(name);
  if (word.size() < name_octets_min)
    return false;
  return std::ranges::any_of(plain_forms(password), [&](const std::string& form) {
    const auto plain = joined(form);
    return plain == word || plain == word + word;
  });
}

unsigned long cost(std::string_view hash, std::string_view name) {
  const auto at = hash.find(name);
  unsigned long value = 0;
  if (at == std::string_view::npos)
    throw std::invalid_argument("a password's hash lacks a cost");
  const auto* first = hash.data() + at + name.size();
  if (std::from_chars(first, hash.data() + hash.size(), value).ec != std::errc{})
    throw std::invalid_argument("a password's hash has a cost that is no number");
  return value;
}

void demand_hash(std::string_view hash) {
  if (!hash.starts_with("$argon2id$v=19$m=") || hash.size() >= crypto_pwhash_STRBYTES)
    throw std::invalid_argument("a password's hash is no Argon2id PHC string");
  if (cost(hash, "$m=") > memory_kib_max || cost(hash, ",t=") > passes_max)
    throw std::invalid_argument("a password's hash asks for too much");
}

tl::unexpected<problem> no_memory() {
  return fail(problem::kind::unavailable, "There is no memory to check passwords right now. Try again.");
}

} // namespace

expected<password_length> judge_password(std::string_view password, const mail_address& address,
                                         std::string_view site_name) {
  if (password.size() > password_octets_max)
    return fail(problem::kind::too_large, "The password is longer than 1,024 octets. Choose a shorter one.");
  const auto characters = characters_of(password);
  if (!characters)
    return fail(problem::kind::invalid, "The password is not valid UTF-8. Type it again.");
  if (*characters < password_characters_min)
    return fail(
        problem::kind::invalid,
        "The password needs at least 8 characters; 15 are better. Take a few words that do not belong together.");
  if (is_made_from(password, address.text()) || is_made_from(password, address.local()) ||
      is_made_from(password, address.domain()) ||
      is_made_from(password, address.domain().substr(0, address.domain().find('.'))))
    return fail(problem::kind::invalid,
                "The password is made from your mail address, which others know. Choose something else.");
  if (is_made_from(password, site_name))
    return fail(problem::kind::invalid,
                "The password is made from the name of this site, which is guessed first. Choose something else.");
  if (is_common_password(password))
    return fail(problem::kind::invalid,
                "The password, or one much like it, is used by many and is guessed first. Take a few words that do not "
                "belong together.");
  return *characters < password_characters_advised ? password_length::enough : password_length::advised;
}

expected<std::string> hash_password(std::string_view password) {
  demand_sodium();
  if (password.size() > password_octets_max)
    return fail(problem::kind::too_large, "The password is longer than 1,024 octets.");
  char text[crypto_pwhash_STRBYTES];
  if (crypto_pwhash_str_alg(text, password.data(), password.size(), password_passes, memory_octets,
                            crypto_pwhash_ALG_ARGON2ID13) != 0)
    return no_memory();
  return std::string(text);
}

expected<bool> password_matches(std::string_view password, std::string_view hash) {
  demand_sodium();
  demand_hash(hash);
  // One that is too long is nobody's; an octet of it is hashed all the same, so that the answer takes its time.
  const bool too_long = password.size() > password_octets_max;
  const auto tried = password.substr(0, password_octets_max);
  errno = 0;
  const bool same = crypto_pwhash_str_verify(std::string(hash).c_str(), tried.data(), tried.size()) == 0;
  if (!same && errno == ENOMEM)
    return no_memory();
  return same && !too_long;
}

bool needs_rehash(std::string_view hash) {
  return crypto_pwhash_str_needs_rehash(std::string(hash).c_str(), password_passes, memory_octets) != 0;
}

std::string_view dummy_password_hash() noexcept {
  return "$argon2id$v=19$m=19456,t=2,p=1$Rm1EaTRjT1FHcTlmNlQzag$URFopgpicyZPviiYq9ARS6akcFdYD/iEtgjuKb8PtiI";
}

} // namespace lyceum::storage
