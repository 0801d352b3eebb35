"""Moss & Kiln, the demo shop: what it sells, its pictures, its pages and their texts."""
