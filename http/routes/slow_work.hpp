// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/routes/visit.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace lyceum::http {

/// An answer by way of slow work such as hashing a password: `work` runs away from the database, then `then` is called with what it gave
/// and a visit of its own. `work` may run twice, on two threads at once, where its worker was replaced meanwhile: it changes nothing
/// that both can see.
template <class T>
response after_work(const visit& here, std::function<T()> work,
                    std::function<expected<response>(visit&, const T&)> then) {
  struct place {
    std::mutex guard;
    std::optional<T> made;
  };
  const auto left = std::make_shared<place>();
  response answer;
  answer.by_way_of = std::make_shared<detour>();
  answer.by_way_of->work = [left, work = std::move(work)] {
    auto made = work();
    std::lock_guard lock(left->guard);
    left->made = std::move(made);
  };
  answer.by_way_of->then = [&frame = here.frame, left, then = std::move(then)](const request& asked,
                                                                               storage::db* db) -> expected<response> {
    auto again = visit::begin(frame, asked, *db);
    if (!again)
      return tl::unexpected(again.error());
    const auto made = [&] {
      std::lock_guard lock(left->guard);
      return left->made.value();
    }();
    return then(*again, made);
  };
  return answer;
}

} // namespace lyceum::http
