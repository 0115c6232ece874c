using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Sync.Access;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http.Json;

namespace Sync.Http.Access;

/// <summary>The route that makes tickets, <c>POST /v1/tickets</c>: what a ticket is for stands in the query, as it will in the
/// query of the stream.</summary>
public sealed class TicketRoute(StreamTickets tickets)
{
    private static readonly Problem Unaddressed = CommonProblems.Malformed(
        "Give vault or group (not both), and a collection if only that is wanted.");

    /// <summary>What a caller needs: what the stream itself needs.</summary>
    public static AccessRule Rule { get; } = AccessRule.OfQuery(AccessAction.Read, AccessTarget.AllVaults);

    /// <summary>The description of the route.</summary>
    public static RouteDescription Description { get; } = new(
        "createTicket", "A ticket for one stream: good once, for 30 s, for a page that cannot send a header.",
        [
            new("vault", "query", "Of this vault."), new("group", "query", "Or of this group."),
            new("collection", "query", "Only this collection."),
        ], [],
        [
            new(201, "{ticket, expires_in}: give it to the stream as the parameter ticket.", MediaTypes.Json),
            new(400, "malformed-request, invalid-name", Problem.MediaType),
            new(503, "overloaded; with Retry-After", Problem.MediaType),
        ]);

    /// <summary>Answers.</summary>
    public async Task IssueAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var request = context.Request;
        var problem = Queries.RefuseUnknown(request, "vault", "group", "collection")
            ?? Queries.TryName(request, "vault", Names.CheckVault, out _)
            ?? Queries.TryName(request, "group", Names.CheckGroup, out _)
            ?? Queries.TryName(request, "collection", Names.CheckCollection, out _);
        if ((Queries.Text(request, "vault") is null) == (Queries.Text(request, "group") is null)) problem ??= Unaddressed;
        string? ticket = null;
        if (problem is null && (ticket = tickets.Issue(context.Identity(), Rule.TargetOf(context)!.Value)) is null)
            problem = AccessProblems.TooManyTickets;
        if (problem is not null)
        {
            await problem.AnswerAsync(context).ConfigureAwait(false);
            return;
        }
        context.Response.StatusCode = StatusCodes.Status201Created;
        context.Response.ContentType = MediaTypes.Json;
        context.Response.Headers.CacheControl = "no-store";
        var json = new Utf8JsonWriter(context.Response.BodyWriter, Scalars.Options);
        await using (json.ConfigureAwait(false))
        {
            json.WriteStartObject();
            json.WriteString("ticket"u8, ticket);
            json.WriteNumber("expires_in"u8, (int)StreamTickets.Lifetime.TotalSeconds);
            json.WriteEndObject();
        }
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }
}
