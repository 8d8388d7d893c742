// SPDX-License-Identifier: Apache-2.0
// The site's own keys, in a file: what signs URLs and cookies, and what hides small secrets in the database.
#pragma once

#include "storage/model/expected.hpp"
#include "storage/model/time.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lyceum::storage {

/// Which of the ring's keys: from 1, one more for each that is made.
using key_id = std::uint32_t;

/// What a key is used for. Each use has a key of its own, derived, so that a signature made for one is nothing to another.
enum class key_purpose : std::uint8_t { media, session, form, mail_link, sealed };

/// HMAC-SHA-256.
using signature = std::array<unsigned char, 32>;

/// Up to keys_max keys of 256 bits. The newest signs and seals; all of them verify and open, so that a rotation ends nothing at once. Never
/// changes once it is read, so any thread may use it; its octets lie in memory that is locked, left out of core dumps, and wiped.
///
/// The file, mode 0600: the line "lyceum keys 1", then a line a key, "<id> <made, seconds since 1970> <64 hexadecimal digits>", ids rising.
class key_ring {
public:
  static constexpr std::size_t keys_max = 8;
  static constexpr std::size_t key_octets = 32;
  static constexpr std::size_t plain_octets_max = 4096; ///< what `seal` takes

  /// Reads the keys at `file`, or makes a file with one: whole or not at all, and of two that make it at once the first one's stays.
  ///   internal  cannot be read or written, not a ring, or others may read it; a sentence that names the file
  static expected<key_ring> open(const std::filesystem::path& file, unix_time now);

  /// Adds a key to the file, drops the oldest beyond keys_max, and gives the ring as it is now. What the dropped one signed or sealed is lost:
  /// seal anew before that. One caller at a time, or one's key is lost to the other.
  ///   internal  as `open`; the file is as it was
  static expected<key_ring> rotate(const std::filesystem::path& file, unix_time now);

  /// The ring that a file's text holds.
  ///   invalid  what is wrong with it
  static expected<key_ring> parse(std::string_view text);

  std::size_t size() const noexcept { return count_; }
  key_id newest() const noexcept;
  bool knows(key_id which) const noexcept;
  /// When the newest key was made, to the second.
  unix_time made_at() const noexcept;

  /// Signs some parts, one behind the other as one text, with one key. Nothing where it is not in the ring. Takes no memory.
  std::optional<signature> sign(key_purpose what, key_id which,
                                std::initializer_list<std::string_view> parts) const noexcept;
  /// True where that key made `given`. In the same time wherever they differ; takes no memory.
  bool verify(key_purpose what, key_id which, std::initializer_list<std::string_view> parts,
              std::span<const unsigned char, 32> given) const noexcept;

  /// Hides a secret (XChaCha20-Poly1305, random nonce), bound to a context such as "totp 4711": only there it can be opened. "1.<key>.<base64url>",
  /// safe in any column.
  ///   too_large  over plain_octets_max
  expected<std::string> seal(std::string_view context, std::string_view plain) const;
  /// What was sealed.
  ///   invalid    changed, cut, or of another context
  ///   not_found  sealed with a key that is not in the ring
  expected<std::string> open_sealed(std::string_view context, std::string_view sealed) const;
  /// The key that sealed it, to find what to seal anew. Nothing where it has not the form.
  static std::optional<key_id> sealed_with(std::string_view sealed) noexcept;

private:
  struct key {
    key_id which;
    std::int64_t made; ///< seconds since 1970
    std::array<unsigned char, key_octets> octets;
  };
  struct wipe {
    void operator()(key* keys) const noexcept;
  };
  struct file_text;

  key_ring();
  const key* find(key_id which) const noexcept;
  void add(key_id which, std::int64_t made, std::span<const unsigned char, key_octets> octets) noexcept;
  void add_random(unix_time now) noexcept;
  file_text text() const;

  std::unique_ptr<key[], wipe> keys_; ///< keys_max of them, the first count_ in use, oldest first
  std::size_t count_ = 0;
};

} // namespace lyceum::storage
