// SPDX-License-Identifier: Apache-2.0
#include "tests/site/visitors.hpp"

#include <algorithm>

namespace lyceum::testing {

using clock = std::chrono::steady_clock;

visitors::visitors(options how) : how_(std::move(how)), last_good_(clock::now()) {
  for (int i = 0; i < how_.count; ++i)
    threads_.emplace_back([this, i] { visit(i); });
}

void visitors::visit(int number) {
  client connection(how_.port);
  const auto period =
      std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(how_.count / how_.rate));
  auto next = clock::now() + period * number / how_.count;
  std::size_t turn = static_cast<std::size_t>(number);
  bool fresh = true;
  while (!leaving_) {
    std::this_thread::sleep_until(next);
    next = std::max(next + period, clock::now() - period);
    const auto& path = how_.paths[turn++ % how_.paths.size()];
    if (how_.new_connections) {
      connection.close();
      fresh = true;
    }
    auto got = connection.get(path);
    const bool nothing = got.status == 0 && (got.body.starts_with("the answer ended in its head after 0") ||
                                             got.body.starts_with("the connection was closed"));
    if (nothing && !fresh)
      got = connection.get(path);
    fresh = got.status == 0;
    const std::lock_guard lock(guard_);
    if (got.status == 200) {
      ++all_.good;
      const auto now = clock::now();
      all_.gap = std::max(all_.gap, std::chrono::duration_cast<std::chrono::milliseconds>(now - last_good_));
      last_good_ = now;
    } else if (std::ranges::find(how_.allowed, got.status) != how_.allowed.end()) {
      ++all_.allowed;
    } else {
      ++all_.failed;
      if (got.body.starts_with("connect:"))
        ++all_.refused;
      ++all_.why[got.status == 0 ? got.body : "status " + std::to_string(got.status)];
    }
  }
}

visitors::tally visitors::leave() {
  leaving_ = true;
  for (auto& one : threads_)
    if (one.joinable())
      one.join();
  return all_;
}

std::string visitors::tally::text() const {
  std::string all = std::to_string(good) + " good, " + std::to_string(allowed) + " allowed, " + std::to_string(failed) +
                    " failed, longest gap " + std::to_string(gap.count()) + " ms";
  for (const auto& [what, count] : why)
    all += "\n  " + std::to_string(count) + "  " + what;
  return all;
}

} // namespace lyceum::testing
