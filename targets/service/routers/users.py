"""/api/v1/users."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from targets.serializers.web import Serializer
from targets.service.dependencies.database import AnyWork, RowId
from targets.service.problems import documented
from targets.service.repositories.keys import ID_MAX
from targets.service.schemas.users import UserCreate, UserPage, UserResponse, UserUpdate
from targets.service.services.users import change_user, delete_user, list_users, read_user

LIMIT_MAX = 200

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Users per page")]
After = Annotated[int, Query(ge=0, le=ID_MAX, description="Users with a higher id")]


def build_router(serializer: Serializer) -> APIRouter:
    """Give the routes."""
    router = APIRouter(prefix="/api/v1/users", tags=["users"])
    one, page = serializer.respond(UserResponse, 200), serializer.respond(UserPage, 200)
    created = serializer.respond(UserResponse, 201)

    @router.get("", response_model=UserPage, responses=documented(422, 503))
    async def index(request: Request, work: AnyWork, limit: Limit = 50, after_id: After = 0) -> Any:
        """Give one page of users by id; the list goes forward only."""
        return page(await list_users(work.users, request.url.path, limit, after_id))

    @router.post("", status_code=201, response_model=UserResponse, responses=documented(409, 422, 503))
    async def create(work: AnyWork, new: UserCreate) -> Any:
        """Create a user."""
        return created(await work.users.add(new.email, new.name))

    @router.get("/{user_id}", response_model=UserResponse, responses=documented(404, 422, 503))
    async def read(user_id: RowId, work: AnyWork) -> Any:
        """Give one user."""
        return one(await read_user(work.users, user_id))

    @router.put("/{user_id}", response_model=UserResponse, responses=documented(404, 409, 422, 503))
    async def replace(user_id: RowId, work: AnyWork, whole: UserCreate) -> Any:
        """Set all that a client may set of a user; it makes none."""
        return one(await change_user(work.users, user_id, whole.model_dump()))

    @router.patch("/{user_id}", response_model=UserResponse, responses=documented(404, 409, 422, 503))
    async def update(user_id: RowId, work: AnyWork, changes: UserUpdate) -> Any:
        """Change parts of a user."""
        return one(await change_user(work.users, user_id, changes.model_dump(exclude_none=True)))

    @router.delete("/{user_id}", status_code=204, responses=documented(404, 422, 503))
    async def delete(user_id: RowId, work: AnyWork) -> None:
        """Delete a user: it is marked, no longer shown, and its address is free again."""
        await delete_user(work.users, user_id)

    return router
