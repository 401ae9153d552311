"""The pages of the device register: they translate, nothing more."""
