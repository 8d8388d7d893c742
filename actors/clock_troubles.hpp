// SPDX-License-Identifier: Apache-2.0
// Which troubles operators are told of, and when: once each, however often they are seen. Pure: time is passed in.
#pragma once

#include "storage/model/time.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace lyceum {

/// Something that an operator should know of, while it lasts.
struct trouble {
  std::string kind;   ///< "degraded:storage": the same as long as it lasts
  std::string what;   ///< for a subject: "storage is degraded"
  std::string detail; ///< sentences: what learners notice, what to do
  unix_time since{};

  bool operator==(const trouble&) const = default;
};

/// Remembers what there is. Thread-safe. Outlives the actor that looks: a trouble is not new because its observer is.
class trouble_book {
public:
  using clock = std::chrono::steady_clock;

  /// A trouble that was not seen for so long is over. What comes and goes more quickly, as a subsystem does that is tried again and
  /// again, is one trouble.
  static constexpr std::chrono::minutes over_after{2};
  /// Mails an hour at most: many troubles at once are one cause, and the first mails lead to it.
  static constexpr std::size_t mails_an_hour = 12;
  /// Troubles that are remembered at most; a further one is not told of until one is over.
  static constexpr std::size_t kept_max = 64;

  /// What begins or ends with what is there now.
  struct change {
    bool raised = true;
    trouble what;
  };
  std::vector<change> see(const std::vector<trouble>& there, clock::time_point now);

  /// Those that no mail tells of yet, as many as may be told of now.
  std::vector<trouble> untold(clock::time_point now) const;
  /// A mail tells of it.
  void told(const trouble&, clock::time_point now);

private:
  struct entry {
    trouble what;
    clock::time_point seen{};
    bool is_told = false;
  };
  mutable std::mutex guard_;
  std::vector<entry> all_;
  std::deque<clock::time_point> mails_; ///< of the last hour
};

} // namespace lyceum
