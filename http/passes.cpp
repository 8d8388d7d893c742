// SPDX-License-Identifier: Apache-2.0
#include "http/passes.hpp"

#include <sodium.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lyceum::http {
namespace {

constexpr std::size_t token_bytes = 24; // 192 bits
constexpr std::size_t id_bytes = 16;
constexpr std::size_t shown_id_digits = 8; // of 32: enough to tell sessions apart in the audit log
constexpr std::string_view version = "v1";

std::string coded(const unsigned char* bytes, std::size_t n) {
  std::string text(sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.resize(text.size() - 1); // its NUL
  return text;
}

std::string hex(const unsigned char* bytes, std::size_t n) {
  std::string text(n * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes, n);
  text.resize(n * 2);
  return text;
}

/// Whole or not at all, mode 0600.
bool write_file(const std::filesystem::path& file, std::string_view bytes) {
  const auto draft = file.string() + ".new";
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return false;
  bool good = ::fchmod(fd, 0600) == 0 &&
              ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && ::fsync(fd) == 0;
  ::close(fd);
  good = good && ::rename(draft.c_str(), file.c_str()) == 0;
  if (!good)
    ::unlink(draft.c_str());
  return good;
}

} // namespace

expected<std::unique_ptr<passes>> passes::open(std::filesystem::path file) {
  if (sodium_init() < 0)
    return fail(problem::kind::internal, "libsodium finds no random numbers");
  std::unique_ptr<passes> made(new passes(std::move(file)));
  if (auto loaded = made->load_key(); !loaded)
    return tl::unexpected(loaded.error());
  made->load_signed_out(now_utc());
  return made;
}

expected<void> passes::load_key() {
  const auto wrong = [this](const std::string& why) {
    return fail(problem::kind::internal, "the console's key " + file_.string() + " " + why);
  };
  const int fd = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno != ENOENT)
    return wrong(std::string("cannot be read: ") + std::strerror(errno));
  if (fd < 0) {
    randombytes_buf(key_.data(), key_.size());
    if (!write_file(file_, {reinterpret_cast<const char*>(key_.data()), key_.size()}))
      return wrong(std::string("cannot be written: ") + std::strerror(errno));
    return {};
  }
  struct stat info {};
  const bool seen = ::fstat(fd, &info) == 0;
  const bool whole = seen && info.st_size == static_cast<off_t>(key_.size()) &&
                     ::read(fd, key_.data(), key_.size()) == static_cast<ssize_t>(key_.size());
  ::close(fd);
  if (seen && (info.st_mode & 077) != 0)
    return wrong("may be read by others: remove it, and a new one is made (mode 0600)");
  if (!whole)
    return wrong("is not whole: remove it, and a new one is made");
  return {};
}

void passes::load_signed_out(unix_time now) {
  std::ifstream in(out_file());
  std::string id;
  for (std::int64_t until = 0; signed_out_.size() < signed_out_max && in >> id >> until;)
    if (from_micros(until) > now)
      signed_out_.emplace(id, from_micros(until));
}

void passes::keep_signed_out() const {
  std::string text;
  for (const auto& [id, until] : signed_out_)
    text += id + " " + std::to_string(micros(until)) + "\n";
  write_file(out_file(), text); // where it fails, the session is still out until the process ends
}

std::string passes::sign(std::string_view purpose, std::string_view text) const {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key_.data(), key_.size());
  for (const auto part : {purpose, std::string_view("\0", 1), text})
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(part.data()), part.size());
  unsigned char mac[crypto_auth_hmacsha256_BYTES];
  crypto_auth_hmacsha256_final(&state, mac);
  return coded(mac, sizeof mac);
}

bool passes::same(std::string_view given, std::string_view wanted) noexcept {
  return given.size() == wanted.size() && !wanted.empty() &&
         sodium_memcmp(given.data(), wanted.data(), wanted.size()) == 0;
}

std::string passes::make_link(operator_role for_whom, unix_time now) {
  unsigned char bytes[token_bytes];
  randombytes_buf(bytes, sizeof bytes);
  auto token = coded(bytes, sizeof bytes);
  link one;
  crypto_hash_sha256(one.token.data(), reinterpret_cast<const unsigned char*>(token.data()), token.size());
  one.role = for_whom;
  one.until = now + link_life;
  std::lock_guard lock(guard_);
  std::erase_if(links_, [now](const link& old) { return old.until <= now; });
  if (links_.size() >= links_max)
    links_.pop_front();
  links_.push_back(one);
  return token;
}

std::optional<std::string> passes::enter(std::string_view token, unix_time now) {
  hash given{};
  crypto_hash_sha256(given.data(), reinterpret_cast<const unsigned char*>(token.data()), token.size());
  std::lock_guard lock(guard_);
  const auto found = std::ranges::find_if(
      links_, [&](const link& one) { return sodium_memcmp(one.token.data(), given.data(), given.size()) == 0; });
  if (found == links_.end())
    return std::nullopt;
  const auto used = *found;
  links_.erase(found);
  if (used.until <= now)
    return std::nullopt;

  // v1.<id>.<role>.<end, microseconds>.<signature of all before>
  unsigned char id[id_bytes];
  randombytes_buf(id, sizeof id);
  const auto text = std::string(version) + "." + hex(id, sizeof id) + "." +
                    std::to_string(static_cast<int>(used.role)) + "." + std::to_string(micros(now + session_life));
  return text + "." + sign("session", text);
}

std::optional<operator_session> passes::find(std::string_view cookie, unix_time now) const {
  const auto dot = cookie.rfind('.');
  if (dot == std::string_view::npos || cookie.size() > 200)
    return std::nullopt;
  const auto text = cookie.substr(0, dot);
  std::lock_guard lock(guard_);
  if (!same(cookie.substr(dot + 1), sign("session", text)))
    return std::nullopt;
  // Signed by us: it has the form that `enter` gave it. Another version of the program may have given another one.
  constexpr std::size_t id_at = version.size() + 1, role_at = id_at + id_bytes * 2 + 1;
  if (!text.starts_with(std::string(version) + ".") || text.size() < role_at + 3)
    return std::nullopt;
  const std::string whole_id(text.substr(id_at, id_bytes * 2));
  operator_session found;
  found.id = whole_id.substr(0, shown_id_digits);
  found.role = static_cast<operator_role>(text[role_at] - '0');
  found.until = from_micros(std::strtoll(std::string(text.substr(role_at + 2)).c_str(), nullptr, 10));
  if (found.until <= now || signed_out_.contains(found.id))
    return std::nullopt;
  found.csrf = sign("form", text);
  return found;
}

void passes::sign_out(const operator_session& who, unix_time now) {
  std::lock_guard lock(guard_);
  std::erase_if(signed_out_, [now](const auto& one) { return one.second <= now; });
  if (signed_out_.size() >= signed_out_max) {
    signed_out_.clear();
    randombytes_buf(key_.data(), key_.size());
    write_file(file_, {reinterpret_cast<const char*>(key_.data()), key_.size()});
  }
  signed_out_.emplace(who.id, who.until);
  keep_signed_out();
}

} // namespace lyceum::http
