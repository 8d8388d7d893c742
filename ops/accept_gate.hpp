// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/front.hpp"

#include <cstddef>
#include <mutex>
#include <vector>

namespace lyceum {

/// Between the tree's listener actors and the loops: while it is shut (a server that stands by another one) loops accept nothing, and
/// what the tree wants of each is kept until it opens. Thread-safe.
class accept_gate {
public:
  explicit accept_gate(bool open) : open_(open) {}

  void guards(http::front& front) {
    front_ = &front;
    wanted_.resize(front.loops());
  }
  void arm(std::size_t loop) {
    const std::lock_guard lock(guard_);
    wanted_[loop] = true;
    if (open_)
      front_->arm(loop);
  }
  void disarm(std::size_t loop) {
    const std::lock_guard lock(guard_);
    wanted_[loop] = false;
    front_->disarm(loop);
  }
  void open() {
    const std::lock_guard lock(guard_);
    open_ = true;
    for (std::size_t i = 0; i < wanted_.size(); ++i)
      if (wanted_[i])
        front_->arm(i);
  }

private:
  std::mutex guard_;
  bool open_;
  std::vector<bool> wanted_;
  http::front* front_ = nullptr; ///< outlives every loop's actor
};

} // namespace lyceum
