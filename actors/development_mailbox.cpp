// SPDX-License-Identifier: Apache-2.0
#include "actors/development_mailbox.hpp"

#include <algorithm>

namespace lyceum {

void development_mailbox::put(kept_mail what) {
  const auto fresh = std::make_shared<const kept_mail>(std::move(what));
  const std::lock_guard lock(guard_);
  std::erase_if(kept_, [&](const auto& one) {
    if (one->number != fresh->number)
      return false;
    bytes_ -= one->bytes();
    return true;
  });
  kept_.push_back(fresh);
  bytes_ += fresh->bytes();
  while (kept_.size() > 1 && (kept_.size() > mails_max || bytes_ > bytes_max)) {
    bytes_ -= kept_.front()->bytes();
    kept_.pop_front();
  }
}

std::vector<std::shared_ptr<const kept_mail>> development_mailbox::list() const {
  const std::lock_guard lock(guard_);
  return {kept_.rbegin(), kept_.rend()};
}

std::shared_ptr<const kept_mail> development_mailbox::find(id number) const {
  const std::lock_guard lock(guard_);
  const auto found = std::ranges::find(kept_, number, [](const auto& one) { return one->number; });
  return found == kept_.end() ? nullptr : *found;
}

void development_mailbox::clear() {
  const std::lock_guard lock(guard_);
  kept_.clear();
  bytes_ = 0;
}

} // namespace lyceum
