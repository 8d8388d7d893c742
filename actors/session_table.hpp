// SPDX-License-Identifier: Apache-2.0
// Who is signed in, as the I/O loops ask it for every request. Knows neither CAF nor Beast.
#pragma once

#include "storage/model/id.hpp"
#include "storage/model/time.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum {

/// SHA-256 of a session's token, in four words. The token itself is kept nowhere.
using session_hash = std::array<std::uint64_t, 4>;
session_hash session_hash_of(const std::array<unsigned char, 32>& digest) noexcept;
/// Of 64 hexadecimal digits, as rows hold it; nothing where they are none.
std::optional<session_hash> session_hash_of(std::string_view hexadecimal) noexcept;
std::string session_text(const session_hash&); ///< those digits

/// What a request needs to know of a session.
struct known_session {
  id account = 0;              ///< 0: such a session is known not to exist, until `until`
  std::uint32_t tier = 0;      ///< of `session_table::tier`
  std::int64_t until_us = 0;   ///< unix microseconds; past it the session has to be looked up again
  std::int64_t touched_us = 0; ///< when its row was last told that it is in use

  bool operator==(const known_session&) const = default;
};

/// Sessions by the hash of their token, beside the database as the page table is beside the renderers: it outlives the actor that
/// fills it. What it does not hold has to be looked up; what was revoked is erased, also where another node did it (`accounts`
/// notifications). Readers take no lock, allocate nothing and write nothing; writers take turns.
///
/// The index has 64 parts, each an open-addressed array of words and a counter that is odd while it is written: a reader that saw it
/// change looks again. An array that became too small is kept until the end, since a reader may still be in it: together they are
/// never larger than the present one.
class session_table {
public:
  static constexpr std::size_t tiers_max = 1024;
  /// Entries of account 0 at most: whoever makes tokens up drives out nobody.
  static constexpr std::size_t unknown_max = 10'000;
  static constexpr std::size_t used_max = 65'536;

  /// Holds at most `sessions_max` sessions (64 bytes each at least, 200 at most).
  explicit session_table(std::size_t sessions_max = 500'000);
  ~session_table();
  session_table(const session_table&) = delete;
  session_table& operator=(const session_table&) = delete;

  /// Nothing: not known here, or no longer. Any thread.
  std::optional<known_session> find(const session_hash& of, std::int64_t now_us) const noexcept;

  /// How far things have changed. Take it before the database is asked, and give it to `put` with the answer.
  std::uint64_t changes() const noexcept;
  /// False where the table is full of sessions that still last, or something changed since `as_of`, so that `what` may be older than
  /// the change: then the next request of this one asks the database.
  bool put(const session_hash& of, const known_session& what, std::int64_t now_us, std::uint64_t as_of);
  /// Notes that a session is in use, at most once a `pause`: then `take_used` tells of it. Any thread; does nothing while somebody
  /// writes, so that nobody waits.
  void touch(const session_hash& of, std::int64_t now_us, std::int64_t pause_us);
  /// Sessions that were in use, at most `most`; each is told once. Where more than `used_max` wait, those beyond are told a pause later.
  std::vector<session_hash> take_used(std::size_t most);
  /// True if it was there. These three count as changes.
  bool erase(const session_hash& of);
  /// All sessions of an account; how many they were.
  std::size_t erase_account(id account);
  void clear();
  /// Takes out what is over; how many they were.
  std::size_t expire(std::int64_t now_us);
  std::size_t size() const;

  /// The number of a tier class, as `page_key` writes it before a path ("members "); the same text has the same number. Nothing where
  /// there are `tiers_max` already.
  std::optional<std::uint32_t> tier(std::string_view text);
  /// The text of a number that `tier` gave. Any thread, no lock.
  std::string_view tier_text(std::uint32_t number) const noexcept;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace lyceum
