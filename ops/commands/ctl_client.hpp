// SPDX-License-Identifier: Apache-2.0
// The client's end of the control socket.
#pragma once

#include "ops/commands/ctl_words.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <functional>
#include <string>

namespace lyceum::ops {

struct ctl_reply {
  int status = 0; ///< an exit status
  boost::json::value ok{};
  std::string problem{}; ///< for stderr
  std::string code{};    ///< the server's word for it: "not_found"
};

/// One connection, one question at a time.
class ctl_client {
public:
  ctl_client() = default;
  ctl_client(const ctl_client&) = delete;
  ctl_client& operator=(const ctl_client&) = delete;
  ~ctl_client();

  /// Status 3: nobody answers there (and what the heart knows, where it left word beside the socket).
  ctl_reply connect(const std::string& path);
  bool connected() const noexcept { return fd_ >= 0; }
  /// Asks, and waits for the answer as long as `q.patience()`. `event` hears of what comes before it.
  ctl_reply ask(const ctl_question& q, const std::function<void(const boost::json::object&)>& event = {});

private:
  ctl_reply lost(std::string why);
  bool next_line(std::string& line, std::chrono::steady_clock::time_point until, ctl_reply& failed);

  int fd_ = -1;
  std::string path_;
  std::string got_;
  std::int64_t id_ = 0;
};

} // namespace lyceum::ops
