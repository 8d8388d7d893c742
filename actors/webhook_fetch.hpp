// SPDX-License-Identifier: Apache-2.0
// Small things from other hosts over HTTPS, and certificates that are kept of them. Knows no CAF.
#pragma once

#include "storage/model/expected.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

namespace lyceum {

struct fetch_limits {
  std::chrono::milliseconds all{2500}; ///< names, connecting and octets together: less than a request's own deadline
  std::size_t bytes_max = std::size_t{64} * 1024;
  std::string ca_file; ///< PEM; empty: the system's
};
/// The body of a GET that was answered 200. Follows no redirection. `stop` ends it from another thread.
///   unavailable  whatever else: no such host, a certificate that is not good, another status, too many octets, too slow
expected<std::string> fetch_https(const std::string& url, const fetch_limits& limits, const std::atomic<bool>& stop);

/// Certificates by URL. Thread-safe; fetches one at a time, and not too many: who sends us URLs must not make us ask for ever.
class kept_certificates {
public:
  using clock = std::chrono::steady_clock;
  using fetcher = std::function<expected<std::string>(const std::string& url)>;

  static constexpr std::size_t kept_max = 8;
  static constexpr std::chrono::hours life{24};
  static constexpr std::size_t fetches_a_minute = 10;

  /// Kept, or fetched now.
  ///   unavailable  it cannot be fetched, or too many were asked for
  expected<std::string> get(const std::string& url, const fetcher& fetch, clock::time_point now);
  std::size_t size() const;

private:
  struct entry {
    std::string url, text;
    clock::time_point until{};
  };
  mutable std::mutex guard_;
  std::deque<entry> kept_; ///< the last used first
  std::deque<clock::time_point> fetched_;
};

} // namespace lyceum
