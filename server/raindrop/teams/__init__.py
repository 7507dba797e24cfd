"""Teams of users, their memberships and invitations."""
