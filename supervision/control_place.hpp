// SPDX-License-Identifier: Apache-2.0
// The control socket's name in the file system, which one server hands to the next without a moment in which nobody answers.
#pragma once

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <sys/un.h>

namespace lyceum::supervision {

/// A socket is bound to a draft beside the name and then renamed over it: who connects finds the old one or the new one. Removing
/// the name looks first whether it is still our socket that it leads to.
class control_place {
public:
  static constexpr pid_t anybody = -1;

  explicit control_place(std::filesystem::path name) : name_(std::move(name)) {}
  ~control_place() { close_folder(); }
  control_place(const control_place&) = delete;
  control_place& operator=(const control_place&) = delete;

  /// Empty where the name may be ours: nobody answers there, or `replaced` does (a server on its way out; `anybody`: the heart has
  /// seen to it). Else a sentence: what is wrong and what to do.
  std::string look(pid_t replaced) const;
  /// Where to bind: short however long the folder's name is. Throws nothing; the bind fails where the folder is not there.
  sockaddr_un draft();
  /// As a path, for chown and chmod.
  std::string draft_path() const { return name_.parent_path() / draft_; }
  /// Renames what was bound to the draft over the name. False with errno.
  bool publish();
  bool is_ours() const;
  /// Takes the name away if it is still ours; the draft, too.
  void remove();

private:
  void close_folder();

  std::filesystem::path name_;
  std::string draft_;
  int folder_ = -1;
  ino_t inode_ = 0; ///< of our socket file; kept by the socket, so nobody gets the same while it is open
  dev_t device_ = 0;
};

} // namespace lyceum::supervision
