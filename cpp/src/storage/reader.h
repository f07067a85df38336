// A store for reading: what another process keeps on disk, and over it, in RAM, what this one derives from it.
#pragma once

#include <memory>

#include "storage/store.h"

namespace loyalty::storage {

// As Store::OpenToRead; `below` stays as it is.
std::unique_ptr<Store> MakeReader(std::unique_ptr<Store> below);

}  // namespace loyalty::storage
