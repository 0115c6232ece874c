using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Sync.Access;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.Http.Access;
using Sync.Http.Json;
using Sync.Writer.Engine;
using Sync.Writer.Http;

namespace Sync.Writer.Access;

/// <summary>Make, list and revoke tokens. The text of a token is in one answer, and nowhere else.</summary>
internal sealed class TokenRoutes(WriterEngine engine, TokenWrites writes, AccessGuard guard, TimeProvider time)
{
    /// <summary>A revocation that meets another change of the record reads again; records change once in their life.</summary>
    private const int AttemptsMax = 4;

    public async Task CreateAsync(HttpContext context)
    {
        var problem = Begin(context) ?? MediaTypes.TryContent(context.Request, out var form)
            ?? (form == BodyForm.Json ? null : CommonProblems.UnsupportedMediaType($"Send {MediaTypes.Json}."));
        TokenRequest? wanted = null;
        if (problem is null) (problem, wanted) = await ReadAsync(context.Request);
        var now = Now;
        if (problem is null && !guard.Book.HasRoom(now)) problem = Full;
        if (problem is not null)
        {
            await problem.AnswerAsync(context);
            return;
        }
        var token = AccessToken.Mint();
        var record = new TokenRecord
        {
            Id = AccessToken.IdOf(token).ToString(),
            Hash = AccessToken.HashOf(token),
            Label = wanted!.Label,
            Scopes = wanted.Scopes,
            Purpose = wanted.Purpose,
            Created = now,
            Expires = Timestamp.From(time.GetUtcNow() + wanted.Life),
        };
        if (await CommitAsync(context, record, Sequence.None) is { } refused)
        {
            await refused.AnswerAsync(context);
            return;
        }
        context.Response.StatusCode = StatusCodes.Status201Created;
        await AnswerAsync(context, json => TokenJson.Write(json, record, now, token));
    }

    public async Task ListAsync(HttpContext context)
    {
        var limit = Queries.LimitDefault;
        string? after = null;
        var problem = RefuseOpen() ?? Queries.RefuseUnknown(context.Request, "after", "limit");
        problem ??= Queries.TryLimit(context.Request, out limit);
        problem ??= Queries.TryName(context.Request, "after", CheckId, out after);
        if (problem is not null)
        {
            await problem.AnswerAsync(context);
            return;
        }
        var page = guard.Book.List(after, limit);
        var now = Now;
        await AnswerAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteString("next"u8, page.Count == limit ? page[^1].Id : null);
            json.WriteStartArray("items"u8);
            foreach (var record in page) TokenJson.Write(json, record, now);
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    /// <summary>Revokes; who asks for what is done already gets the same answer.</summary>
    public async Task RevokeAsync(HttpContext context)
    {
        var id = context.Request.RouteValues["id"] as string;
        var problem = Begin(context);
        if (CheckId(id) is { } wrongId) problem ??= RecordProblems.InvalidName(wrongId);
        for (var attempt = 1; problem is null; attempt++)
        {
            var fact = await engine.Store.GetAsync(TokenRecord.KeyOf(id!), Sync.Ledger.AsOf.Now, context.RequestAborted);
            if (fact is null || TokenRecordCodec.Decode(fact.Value.Span) is not { IsOk: true, Value: var known })
            {
                problem = RecordProblems.NotFound("No token has this id; 'sync token list' shows those that are.");
                break;
            }
            var record = known.Revoked is null ? known with { Revoked = Now } : known;
            if (known.Revoked is null) problem = await CommitAsync(context, record, fact.Sequence);
            else guard.Book.Put(known, fact.Sequence, Now);
            if (problem is null)
            {
                await AnswerAsync(context, json => TokenJson.Write(json, record, Now));
                return;
            }
            if (problem.Code == "expected-sequence-differs" && attempt < AttemptsMax) problem = null;
        }
        await problem.AnswerAsync(context);
    }

    private static Problem Full => new(
        409, "tokens-full", "There are too many tokens",
        $"There are {AccessBook.TokensMax.ToString(CultureInfo.InvariantCulture)} good tokens already. Revoke those that nobody uses.");

    private Timestamp Now => Timestamp.From(time.GetUtcNow());

    private static string? CheckId(string? id) => id is not null && AccessToken.IsId(id)
        ? null
        : $"the id of a token has {AccessToken.IdLength} characters of a-z and 2-7";

    // A token that is made while nobody is asked for one would be good once they are.
    private Problem? RefuseOpen() => guard.IsOpen
        ? new Problem(
            409, "access-open", "There are no tokens here",
            "Access is open here (Sync:Access:Open). Start the service with Sync:Access:AdminTokenHash to use tokens.")
        : null;

    private Problem? Begin(HttpContext context) => RefuseOpen() ?? Queries.RefuseUnknown(context.Request);

    private async ValueTask<Problem?> CommitAsync(HttpContext context, TokenRecord record, Sequence expected)
    {
        switch (await writes.CommitAsync(
            record, expected, context.Identity(), context.Request.Headers, context.RequestAborted))
        {
            case WriteResult.Committed committed:
                // Here at once; everywhere else when they read on.
                guard.Book.Put(record, committed.Receipt.Sequence, Now);
                return null;
            case WriteResult.Refused refused:
                return Problems.Of(refused.Refusal with { Current = null });
            case var unknown:
                return Problems.UnknownToken(((WriteResult.Unknown)unknown).Reason);
        }
    }

    private static async ValueTask<(Problem? Problem, TokenRequest? Request)> ReadAsync(HttpRequest request)
    {
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = TokenRequest.BodyBytesMax;
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(request.HttpContext.RequestAborted);
            if (!read.IsCompleted)
            {
                request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }
            var problem = TokenRequest.TryRead(read.Buffer, out var wanted);
            request.BodyReader.AdvanceTo(read.Buffer.End);
            return (problem, wanted);
        }
    }

    private static async Task AnswerAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        context.Response.ContentType = MediaTypes.Json;
        context.Response.Headers.CacheControl = "no-store";
        await using (var json = new Utf8JsonWriter(context.Response.BodyWriter, Scalars.Options)) write(json);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }
}
