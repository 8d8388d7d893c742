// SPDX-License-Identifier: Apache-2.0
// The operators' console in the browser: routes, live frames, the way in.
#pragma once

#include "http/routes/ops.hpp"
#include "http/site.hpp"
#include "ops/console_frame.hpp"
#include "ops/console_state.hpp"
#include "ops/log_tail.hpp"
#include "supervision/control.hpp"
#include "supervision/supervisor.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace lyceum {

/// Outlives the tree and the front end. What it needs of them it asks when it is looked at.
class console {
public:
  struct options {
    supervision::system& tree;
    std::function<http::site_state()> state;
    std::function<http::front_stats()> traffic;
    std::function<std::shared_ptr<const views::theme>()> look;
    std::function<http::console_desk::mail_now()> mail;
    std::function<std::string()> school;  ///< its name
    std::function<std::string()> address; ///< of the link: "http://127.0.0.1:8080"
    const log_tail& log;
    std::filesystem::path audit; ///< the control socket's
    std::filesystem::path key;   ///< made on first use
    std::string base_url;
  };
  /// Throws nothing: where the key cannot be had there is no console, and `why_closed` says why.
  explicit console(options how);
  console(const console&) = delete;
  console& operator=(const console&) = delete;

  const std::string& why_closed() const noexcept { return why_closed_; }
  std::vector<http::io_route> routes();
  /// Adds `console`, which prints a one-time link. `control` also does what is ordered here.
  void serve_by(supervision::control& control);

  // For the actor `control/console`, on its thread.

  /// Samples, and sends a frame where somebody looks. Returns when it wants to be called again.
  std::chrono::milliseconds turn();

private:
  console_sample sample() const;
  void read_audit();

  const options how_;
  std::string why_closed_;
  std::shared_ptr<http::passes> gate_;
  std::shared_ptr<http::broadcast> frames_;
  supervision::control* control_ = nullptr;
  console_memory memory_;

  // The actor's alone.
  console_frames maker_;
  std::uintmax_t audit_bytes_ = 0;

  mutable std::mutex guard_;
  std::vector<views::console_action> actions_; ///< newest first
};

/// The child `control/console`: makes the frames while it lives. Its death costs a moment without frames: streams, sessions and what
/// is remembered belong to `of`.
supervision::child console_child(console& of);

} // namespace lyceum
