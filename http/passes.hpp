// SPDX-License-Identifier: Apache-2.0
// Who may enter the console: one-time links, and the sessions that they open. Knows no connection and no database.
#pragma once

#include "storage/model/expected.hpp"
#include "storage/model/time.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace lyceum::http {

/// What somebody may do in the console; the same words as on the control socket.
enum class operator_role : std::uint8_t { viewer = 1, operating = 2, admin = 3 };

/// One who has entered.
struct operator_session {
  std::string id; ///< for the audit log: "3f9a61c0"; tells nothing
  operator_role role = operator_role::viewer;
  unix_time until{};
  std::string csrf; ///< what a form must carry, bound to this session
};

/// Links are 192 random bits, for one use, kept as hashes in memory. A session is a cookie that is signed (HMAC-SHA256) with a key on
/// disk, so it outlives the process; what was signed out is kept beside the key until it would have ended anyway. Thread-safe.
class passes {
public:
  static constexpr std::size_t links_max = 5; ///< the oldest makes room
  static constexpr std::chrono::minutes link_life{5};
  static constexpr std::chrono::hours session_life{12};
  static constexpr std::size_t signed_out_max = 1000; ///< beyond it the key is made anew: every session ends

  /// Reads the key at `file`, or makes one (mode 0600, whole or not at all). Fails with a sentence where it can do neither, or where
  /// the key may be read by others.
  static expected<std::unique_ptr<passes>> open(std::filesystem::path file);

  /// A token for a link.
  std::string make_link(operator_role for_whom, unix_time now);
  /// The cookie's value, where the token is one of the links; it is used up then.
  std::optional<std::string> enter(std::string_view token, unix_time now);
  /// The session of a cookie: nothing where a single octet is not ours, or its time is over, or it was signed out.
  std::optional<operator_session> find(std::string_view cookie, unix_time now) const;
  void sign_out(const operator_session&, unix_time now);
  /// True where `given` is the session's token. Takes the same time wherever they differ.
  static bool same(std::string_view given, std::string_view csrf) noexcept;

private:
  using key = std::array<unsigned char, 32>;
  using hash = std::array<unsigned char, 32>;
  struct link {
    hash token{};
    operator_role role = operator_role::viewer;
    unix_time until{};
  };
  explicit passes(std::filesystem::path file) : file_(std::move(file)) {}
  expected<void> load_key();
  void load_signed_out(unix_time now);
  void keep_signed_out() const;
  std::string sign(std::string_view purpose, std::string_view text) const;
  std::filesystem::path out_file() const { return file_.string() + ".out"; }

  const std::filesystem::path file_;
  mutable std::mutex guard_;
  key key_{};
  std::deque<link> links_;
  std::map<std::string, unix_time, std::less<>> signed_out_; ///< by session id: when it would have ended
};

} // namespace lyceum::http
