// SPDX-License-Identifier: Apache-2.0
// The key ring's file: who may read it, and that it is whole.
#include "storage/key_ring.hpp"

#include <sodium.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lyceum::storage {
namespace {

constexpr std::size_t line_octets_max = 10 + 1 + 20 + 1 + 2 * key_ring::key_octets + 1;
constexpr std::size_t file_octets_max = 32 + key_ring::keys_max * line_octets_max;

/// An open file or folder.
struct descriptor {
  int number = -1;
  explicit descriptor(int opened) : number(opened) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (number >= 0)
      ::close(number);
  }
};

tl::unexpected<problem> wrong(const std::filesystem::path& file, const std::string& why) {
  return fail(problem::kind::internal, "the key file " + file.string() + " " + why);
}
tl::unexpected<problem> wrong_by_system(const std::filesystem::path& file, const std::string& what) {
  return wrong(file, what + ": " + std::strerror(errno));
}

} // namespace

/// A file's text, wiped when it goes.
struct key_ring::file_text {
  std::array<char, file_octets_max + 1> octets{};
  std::size_t size = 0;

  ~file_text() { sodium_memzero(octets.data(), octets.size()); }
  std::string_view view() const { return {octets.data(), size}; }
  void add(std::string_view part) { size += part.copy(octets.data() + size, octets.size() - size); }

  /// As many octets as there are, at most one more than a ring has; -1 and errno where reading fails.
  ssize_t read_from(int number) {
    ssize_t n = 0;
    while (size < octets.size() && (n = ::read(number, octets.data() + size, octets.size() - size)) > 0)
      size += static_cast<std::size_t>(n);
    return n;
  }
  bool write_to(int number) const {
    return ::write(number, octets.data(), size) == static_cast<ssize_t>(size) && ::fsync(number) == 0;
  }
};

namespace {

enum class putting { new_one, over };

/// Whole or not at all, mode 0600: a draft that then takes the name. EEXIST where a new one is wanted and another is there.
template <class Text>
bool put_file(const std::filesystem::path& file, const Text& text, putting how) {
  auto draft = file.string() + ".new.XXXXXX"; // a name of its own: others may be writing, too
  bool good = false;
  {
    const descriptor written(::mkostemp(draft.data(), O_CLOEXEC));
    good = written.number >= 0 && ::fchmod(written.number, 0600) == 0 && text.write_to(written.number);
  }
  good = good &&
         (how == putting::new_one ? ::link(draft.c_str(), file.c_str()) : ::rename(draft.c_str(), file.c_str())) == 0;
  const int error = errno;
  if (!good || how == putting::new_one)
    ::unlink(draft.c_str());
  errno = error;
  if (!good)
    return false;
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const descriptor named(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return named.number >= 0 && ::fsync(named.number) == 0; // or a crash could take the name back
}

} // namespace

key_ring::file_text key_ring::text() const {
  file_text out;
  out.add("lyceum keys 1\n");
  for (std::size_t i = 0; i < count_; ++i) {
    std::array<char, 2 * key_octets + 1> hex{};
    sodium_bin2hex(hex.data(), hex.size(), keys_[i].octets.data(), key_octets);
    out.add(std::to_string(keys_[i].which) + " " + std::to_string(keys_[i].made) + " ");
    out.add({hex.data(), 2 * key_octets});
    out.add("\n");
    sodium_memzero(hex.data(), hex.size());
  }
  return out;
}

expected<key_ring> key_ring::open(const std::filesystem::path& file, unix_time now) {
  if (::access(file.c_str(), F_OK) != 0 && errno == ENOENT) {
    key_ring made;
    made.add_random(now);
    if (!put_file(file, made.text(), putting::new_one) && errno != EEXIST)
      return wrong_by_system(file, "cannot be written");
  }
  const descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (opened.number < 0)
    return wrong_by_system(file, "cannot be read");
  struct stat info {};
  if (::fstat(opened.number, &info) != 0)
    return wrong_by_system(file, "cannot be read");
  if (!S_ISREG(info.st_mode))
    return wrong(file, "is not a file");
  if ((info.st_mode & 077) != 0)
    return wrong(file, "may be read by others: chmod 600 it, and rotate the keys where somebody may have");
  file_text text;
  if (text.read_from(opened.number) < 0)
    return wrong_by_system(file, "cannot be read");
  auto ring = parse(text.view());
  if (!ring)
    return wrong(file, ring.error().detail + ": put back the backup of it");
  return ring;
}

expected<key_ring> key_ring::rotate(const std::filesystem::path& file, unix_time now) {
  auto ring = open(file, now);
  if (!ring)
    return ring;
  ring->add_random(now);
  if (!put_file(file, ring->text(), putting::over))
    return wrong_by_system(file, "cannot be written");
  return ring;
}

} // namespace lyceum::storage
