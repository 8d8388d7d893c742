// SPDX-License-Identifier: Apache-2.0
// Mails that were not sent but kept to be looked at, on a developer's machine. Knows no CAF.
#pragma once

#include "storage/model/id.hpp"
#include "storage/model/time.hpp"

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace lyceum {

/// A mail as it would have left.
struct kept_mail {
  id number = 0; ///< the outbox's
  std::string template_name;
  std::string from;
  std::string to;
  std::string subject;
  std::string text;
  std::string html;   ///< a whole document, or empty
  std::string source; ///< headers and MIME
  unix_time kept_at{};

  std::size_t bytes() const { return subject.size() + text.size() + html.size() + source.size(); }
};

/// The latest mails, in memory: at most `mails_max` of them and `bytes_max` together. Outlives the workers. Thread-safe.
class development_mailbox {
public:
  static constexpr std::size_t mails_max = 200;
  static constexpr std::size_t bytes_max = std::size_t{32} * 1024 * 1024;

  /// A mail with the same number is replaced. The oldest make room; the newest stays, whatever its size.
  void put(kept_mail);
  std::vector<std::shared_ptr<const kept_mail>> list() const; ///< newest first
  std::shared_ptr<const kept_mail> find(id number) const;     ///< null where it is not there (any more)
  void clear();

private:
  mutable std::mutex guard_;
  std::deque<std::shared_ptr<const kept_mail>> kept_; // oldest first
  std::size_t bytes_ = 0;
};

} // namespace lyceum
