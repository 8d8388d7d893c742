// SPDX-License-Identifier: Apache-2.0
#include "http/output.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lyceum::http {
namespace {

constexpr std::size_t vectors_a_call = 64;
constexpr std::size_t gone_max = 8;
constexpr std::int64_t file_bytes_a_call = 256 * 1024;
constexpr std::uint64_t bytes_a_turn = 1024 * 1024; // then others on the loop have their turn

iovec vector_of(std::string_view octets) {
  return {const_cast<char*>(octets.data()), octets.size()};
}

long send_vectors(int fd, iovec* vectors, std::size_t count, bool more) {
  msghdr message{};
  message.msg_iov = vectors;
  message.msg_iovlen = count;
  while (true) {
    const auto n = sendmsg(fd, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (n >= 0 || errno != EINTR)
      return n;
  }
}

} // namespace

open_file::open_file(const std::string& path) : fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
  struct stat info {};
  if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    bytes = info.st_size;
    modified = unix_time(std::chrono::seconds(info.st_mtim.tv_sec));
  } else if (fd >= 0) {
    close(fd);
    fd = -1;
  }
}

open_file::~open_file() {
  if (fd >= 0)
    close(fd);
}

std::string_view output::piece::rest() const {
  return (owner ? octets : std::string_view(own)).substr(static_cast<std::size_t>(first));
}

output::queue& output::pieces() {
  if (!queue_)
    queue_ = std::make_unique<queue>();
  if (queue_->at >= gone_max) { // a stream may never be all sent: what is gone makes room
    queue_->pieces.erase(queue_->pieces.begin(), queue_->pieces.begin() + static_cast<std::ptrdiff_t>(queue_->at));
    queue_->at = 0;
  }
  return *queue_;
}

std::size_t output::left() const noexcept {
  std::size_t sum = 0;
  if (queue_)
    for (auto i = queue_->at; i < queue_->pieces.size(); ++i)
      sum += queue_->pieces[i].rest().size() + static_cast<std::size_t>(queue_->pieces[i].left);
  return sum;
}

void output::add(std::string octets) {
  if (!octets.empty())
    pieces().pieces.push_back({std::move(octets), {}, nullptr, nullptr, 0, 0});
}

void output::add(std::string_view octets, std::shared_ptr<const void> owner) {
  if (!octets.empty())
    pieces().pieces.push_back({{}, octets, std::move(owner), nullptr, 0, 0});
}

void output::add_file(std::shared_ptr<open_file> file, std::int64_t first, std::int64_t length) {
  if (length > 0)
    pieces().pieces.push_back({{}, {}, nullptr, std::move(file), first, length});
}

long output::send_octets(int fd) {
  std::array<iovec, vectors_a_call> vectors;
  std::size_t count = 0, i = queue_->at;
  for (; i < queue_->pieces.size() && count < vectors.size() && !queue_->pieces[i].file; ++i)
    vectors[count++] = vector_of(queue_->pieces[i].rest());
  const auto n = send_vectors(fd, vectors.data(), count, i < queue_->pieces.size());
  for (auto left = n; left > 0;) {
    auto& one = queue_->pieces[queue_->at];
    const auto took = std::min<long>(left, static_cast<long>(one.rest().size()));
    one.first += took;
    left -= took;
    if (one.rest().empty())
      ++queue_->at;
  }
  return n;
}

long output::send_file(int fd) {
  auto& one = queue_->pieces[queue_->at];
  off_t from = one.first;
  const auto n = sendfile(fd, one.file->fd, &from, static_cast<std::size_t>(std::min(one.left, file_bytes_a_call)));
  if (n == 0) { // the file became shorter than its Content-Length
    errno = EIO;
    return -1;
  }
  if (n > 0) {
    one.first += n;
    one.left -= n;
    if (one.left == 0)
      ++queue_->at;
  }
  return n;
}

output::sent output::send_to(int fd, std::uint64_t& bytes) {
  bool any = false;
  for (std::uint64_t now = 0; !empty() && now < bytes_a_turn;) {
    const auto n = queue_->pieces[queue_->at].file ? send_file(fd) : send_octets(fd);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return any ? sent::some : sent::none;
    if (n < 0)
      return sent::failed;
    any = true;
    now += static_cast<std::uint64_t>(n);
    bytes += static_cast<std::uint64_t>(n);
  }
  if (!empty())
    return sent::some;
  queue_.reset();
  return sent::all;
}

void gather::put(std::string_view octets, const page* what) {
  if (octets.empty())
    return;
  vectors_[pieces_] = vector_of(octets);
  pages_[pieces_++] = what;
  total_ += octets.size();
}

void gather::add(std::string_view start, std::string_view connection_line, std::string_view octets, const page* what,
                 item one, const page_bytes* body) {
  if (items_ == 0)
    file_ = body != nullptr && body->body_file >= 0 ? body : nullptr;
  const auto before = total_;
  put(start, nullptr);
  put(connection_line, nullptr);
  put(octets, what);
  one.bytes = total_ - before;
  list_[items_++] = one;
}

/// One answer whose body lies in a file: its head, and what follows by the kernel alone. Returns what `sendmsg` would.
long gather::send_with_file(int fd) {
  std::array<iovec, 3> vectors{vectors_[0], vectors_[1], vectors_[2]};
  const auto body = file_->body.size();
  vectors[pieces_ - 1].iov_len -= body;
  const auto n = send_vectors(fd, vectors.data(), pieces_, true);
  if (n < 0 || static_cast<std::size_t>(n) < total_ - body)
    return n;
  off_t from = file_->body_at;
  std::size_t gone = 0;
  while (gone < body) {
    const auto more = sendfile(fd, file_->body_file, &from, body - gone);
    if (more > 0)
      gone += static_cast<std::size_t>(more);
    else if (more == 0 || errno != EINTR)
      break; // the rest goes from memory; a broken connection will say so
  }
  return n + static_cast<long>(gone);
}

bool gather::send_to(int fd, page_table::reader& reader, output& rest) {
  // Answers that were asked for at once go out at once, from memory: handing files over one by one costs more.
  const auto n =
      items_ == 1 && file_ != nullptr ? send_with_file(fd) : send_vectors(fd, vectors_.data(), pieces_, false);
  if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
    return false;
  auto gone = static_cast<std::size_t>(std::max<long>(n, 0));
  if (gone == total_)
    return true;
  for (std::size_t i = 0; i < pieces_; ++i) {
    std::string_view octets(static_cast<const char*>(vectors_[i].iov_base), vectors_[i].iov_len);
    const auto skip = std::min(gone, octets.size());
    gone -= skip;
    octets.remove_prefix(skip);
    if (octets.empty())
      continue;
    if (pages_[i] == nullptr)
      rest.add(std::string(octets));
    else
      rest.add(octets, reader.hold(pages_[i]));
  }
  return true;
}

} // namespace lyceum::http
