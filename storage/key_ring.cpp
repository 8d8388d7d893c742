// SPDX-License-Identifier: Apache-2.0
#include "storage/key_ring.hpp"

#include "storage/base64.hpp"

#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <new>
#include <stdexcept>

namespace lyceum::storage {
namespace {

constexpr std::string_view first_line = "lyceum keys 1\n";
constexpr std::string_view sealed_version = "1.";
constexpr std::size_t nonce_octets = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_octets = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t sealed_octets_max = 6000; // of base64: 4096 + 40 octets, and the id

/// Octets that are wiped when they go.
struct wiped {
  std::array<unsigned char, key_ring::key_octets> octets{};
  wiped() = default;
  wiped(const wiped&) = delete;
  wiped& operator=(const wiped&) = delete;
  ~wiped() { sodium_memzero(octets.data(), octets.size()); }
};

const unsigned char* octets_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string_view name_of(key_purpose what) noexcept {
  switch (what) {
  case key_purpose::media:
    return "media";
  case key_purpose::session:
    return "session";
  case key_purpose::form:
    return "form";
  case key_purpose::mail_link:
    return "mail_link";
  case key_purpose::sealed:
    return "sealed";
  }
  return "";
}

void hmac(std::span<const unsigned char, 32> key, std::initializer_list<std::string_view> parts,
          unsigned char* out) noexcept {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key.data(), key.size());
  for (const auto part : parts)
    crypto_auth_hmacsha256_update(&state, octets_of(part), part.size());
  crypto_auth_hmacsha256_final(&state, out);
  sodium_memzero(&state, sizeof state);
}

void derive(std::span<const unsigned char, 32> key, key_purpose what, wiped& out) noexcept {
  hmac(key, {"lyceum key 1 ", name_of(what)}, out.octets.data());
}

/// A decimal number without sign or leading zeros that `text` begins with and `end` follows; moves `text` behind `end`.
template <class Number>
std::optional<Number> take_number(std::string_view& text, char end) noexcept {
  Number value{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto used = static_cast<std::size_t>(read.ptr - text.data());
  if (read.ec != std::errc{} || used == text.size() || text[used] != end || text.front() == '-' ||
      (text.front() == '0' && used > 1))
    return std::nullopt;
  text.remove_prefix(used + 1);
  return value;
}

std::string associated(std::string_view context) {
  return "lyceum sealed 1 " + std::string(context);
}

} // namespace

void key_ring::wipe::operator()(key* keys) const noexcept {
  sodium_free(keys);
}

key_ring::key_ring() {
  if (sodium_init() < 0)
    throw std::runtime_error("libsodium finds no random numbers");
  keys_.reset(static_cast<key*>(sodium_allocarray(keys_max, sizeof(key))));
  if (!keys_)
    throw std::bad_alloc();
}

const key_ring::key* key_ring::find(key_id which) const noexcept {
  const std::span keys(keys_.get(), count_);
  const auto found = std::ranges::find(keys, which, &key::which);
  return found == keys.end() ? nullptr : &*found;
}

void key_ring::add(key_id which, std::int64_t made, std::span<const unsigned char, key_octets> octets) noexcept {
  if (count_ == keys_max) {
    std::move(keys_.get() + 1, keys_.get() + count_, keys_.get());
    --count_;
  }
  auto& one = keys_[count_++];
  one.which = which;
  one.made = made;
  std::ranges::copy(octets, one.octets.begin());
}

void key_ring::add_random(unix_time now) noexcept {
  wiped fresh;
  randombytes_buf(fresh.octets.data(), fresh.octets.size());
  add(count_ == 0 ? 1 : newest() + 1, micros(now) / 1'000'000, fresh.octets);
}

key_id key_ring::newest() const noexcept {
  return keys_[count_ - 1].which;
}

bool key_ring::knows(key_id which) const noexcept {
  return find(which) != nullptr;
}

unix_time key_ring::made_at() const noexcept {
  return unix_time{std::chrono::seconds{keys_[count_ - 1].made}};
}

expected<key_ring> key_ring::parse(std::string_view text) {
  if (!text.starts_with(first_line))
    return fail(problem::kind::invalid, "does not begin with the line \"lyceum keys 1\"");
  key_ring ring;
  for (text.remove_prefix(first_line.size()); !text.empty();) {
    wiped octets;
    const auto which = take_number<key_id>(text, ' ');
    const auto made = which ? take_number<std::int64_t>(text, ' ') : std::nullopt;
    const bool whole = made && text.size() > 2 * key_octets && text[2 * key_octets] == '\n';
    std::size_t size = 0;
    if (!whole ||
        sodium_hex2bin(octets.octets.data(), key_octets, text.data(), 2 * key_octets, nullptr, &size, nullptr) != 0 ||
        size != key_octets)
      return fail(problem::kind::invalid, "is not whole");
    if (*which == 0 || (ring.count_ > 0 && *which <= ring.newest()) || ring.count_ == keys_max)
      return fail(problem::kind::invalid, "holds too many keys, or their numbers do not rise");
    ring.add(*which, *made, octets.octets);
    text.remove_prefix(2 * key_octets + 1);
  }
  if (ring.count_ == 0)
    return fail(problem::kind::invalid, "holds no key");
  return ring;
}

std::optional<signature> key_ring::sign(key_purpose what, key_id which,
                                        std::initializer_list<std::string_view> parts) const noexcept {
  const auto* one = find(which);
  if (one == nullptr)
    return std::nullopt;
  wiped derived;
  derive(one->octets, what, derived);
  signature made{};
  hmac(derived.octets, parts, made.data());
  return made;
}

bool key_ring::verify(key_purpose what, key_id which, std::initializer_list<std::string_view> parts,
                      std::span<const unsigned char, 32> given) const noexcept {
  const auto made = sign(what, which, parts);
  return made && sodium_memcmp(made->data(), given.data(), given.size()) == 0;
}

expected<std::string> key_ring::seal(std::string_view context, std::string_view plain) const {
  if (plain.size() > plain_octets_max)
    return fail(problem::kind::too_large, "a sealed secret has at most 4,096 octets");
  wiped derived;
  derive(keys_[count_ - 1].octets, key_purpose::sealed, derived);
  std::string box(nonce_octets + plain.size() + tag_octets, '\0');
  auto* octets = reinterpret_cast<unsigned char*>(box.data());
  randombytes_buf(octets, nonce_octets);
  const auto bound = associated(context);
  crypto_aead_xchacha20poly1305_ietf_encrypt(octets + nonce_octets, nullptr, octets_of(plain), plain.size(),
                                             octets_of(bound), bound.size(), nullptr, octets, derived.octets.data());
  return std::string(sealed_version) + std::to_string(newest()) + "." + base64url({octets, box.size()});
}

std::optional<key_id> key_ring::sealed_with(std::string_view sealed) noexcept {
  if (!sealed.starts_with(sealed_version))
    return std::nullopt;
  sealed.remove_prefix(sealed_version.size());
  return take_number<key_id>(sealed, '.');
}

expected<std::string> key_ring::open_sealed(std::string_view context, std::string_view sealed) const {
  const auto which = sealed_with(sealed);
  if (!which || sealed.size() > sealed_octets_max)
    return fail(problem::kind::invalid, "not a sealed secret");
  const auto* one = find(*which);
  if (one == nullptr)
    return fail(problem::kind::not_found, "sealed with key " + std::to_string(*which) + ", which is gone");
  const auto box = from_base64url(sealed.substr(sealed.rfind('.') + 1));
  if (!box || box->size() < nonce_octets + tag_octets)
    return fail(problem::kind::invalid, "not a sealed secret");
  wiped derived;
  derive(one->octets, key_purpose::sealed, derived);
  std::string plain(box->size() - nonce_octets - tag_octets, '\0');
  const auto bound = associated(context);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr, octets_of(*box) + nonce_octets,
          box->size() - nonce_octets, octets_of(bound), bound.size(), octets_of(*box), derived.octets.data()) != 0)
    return fail(problem::kind::invalid, "a sealed secret was changed, or belongs elsewhere");
  return plain;
}

} // namespace lyceum::storage
