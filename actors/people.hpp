// SPDX-License-Identifier: Apache-2.0
// What a page shows of who is signed in. Knows neither CAF nor Beast.
#pragma once

#include "storage/model/id.hpp"

#include <array>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace lyceum {

struct person {
  std::string name; ///< as its owner wrote it; may be empty
  std::string role; ///< "learner", "author", "operator"

  bool operator==(const person&) const = default;
};

/// Those whose sessions are in the session table, for `/me`. Filled and emptied with it; any thread. Where a part is full, it begins
/// anew: who is forgotten has no name until the database is asked about him again.
class people {
public:
  static constexpr std::size_t parts = 16;

  explicit people(std::size_t most = 500'000) : part_max_(most / parts + 1) {}
  people(const people&) = delete;
  people& operator=(const people&) = delete;

  std::optional<person> find(id account) const;
  void put(id account, person who);
  void erase(id account);
  void clear();

private:
  struct part {
    mutable std::mutex guard;
    std::unordered_map<id, person> all;
  };
  // Ids are milliseconds above a counter of 12 bits, which is mostly 0: the milliseconds differ.
  static std::size_t place_of(id account) { return (static_cast<std::size_t>(account) >> 22) % parts; }

  const std::size_t part_max_;
  std::array<part, parts> all_;
};

} // namespace lyceum
