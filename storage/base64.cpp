// SPDX-License-Identifier: Apache-2.0
#include "storage/base64.hpp"

#include <sodium.h>

namespace lyceum::storage {

std::string base64url(std::span<const unsigned char> octets) {
  constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_encoded_len(octets.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), octets.data(), octets.size(), variant);
  text.pop_back(); // its NUL
  return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string octets(text.size() / 4 * 3 + 3, '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(octets.data()), octets.size(), text.data(), text.size(),
                        nullptr, &size, &end, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
      end != text.data() + text.size())
    return std::nullopt;
  octets.resize(size);
  // libsodium 1.0.18 takes some octets above 0x7F for letters.
  if (base64url({reinterpret_cast<const unsigned char*>(octets.data()), octets.size()}) != text)
    return std::nullopt;
  return octets;
}

} // namespace lyceum::storage
