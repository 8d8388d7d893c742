// SPDX-License-Identifier: Apache-2.0
#include "storage/digest.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdexcept>
#include <unistd.h>
#include <vector>

namespace lyceum::storage {

struct sha256::impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~impl() { EVP_MD_CTX_free(context); }
};

namespace {

// Fetched once: looking the algorithm up by name costs more than hashing a short text.
const EVP_MD* algorithm() {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}

void demand(int ok) {
  if (ok != 1)
    throw std::runtime_error("SHA-256 is not available in this OpenSSL");
}

} // namespace

sha256::sha256() : impl_(std::make_unique<impl>()) {
  demand(EVP_DigestInit_ex(impl_->context, algorithm(), nullptr));
}
sha256::~sha256() = default;

sha256& sha256::add(std::string_view bytes) {
  demand(EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size()));
  return *this;
}

sha256& sha256::field(std::string_view text) {
  field(static_cast<std::int64_t>(text.size()));
  return add(text);
}

sha256& sha256::field(std::int64_t number) {
  char bytes[8];
  for (int i = 0; i < 8; ++i)
    bytes[i] = static_cast<char>((static_cast<std::uint64_t>(number) >> (8 * i)) & 0xff);
  return add({bytes, sizeof bytes});
}

std::string sha256::hex() {
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  demand(EVP_DigestFinal_ex(impl_->context, raw, &size));
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * static_cast<std::size_t>(size));
  for (unsigned int i = 0; i < size; ++i) {
    text += digits[raw[i] >> 4];
    text += digits[raw[i] & 15];
  }
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  return sha256().add(bytes).hex();
}

std::string sha256_of_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0)
    return {};
  sha256 sum;
  std::vector<char> piece(1 << 20);
  ssize_t n = 0;
  while ((n = ::read(file, piece.data(), piece.size())) > 0)
    sum.add({piece.data(), static_cast<std::size_t>(n)});
  ::close(file);
  return n == 0 ? sum.hex() : std::string();
}

} // namespace lyceum::storage
