using System.Buffers;
using System.Text.Json;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.MessagePack;
using Sync.Writer.Engine;

namespace Sync.Writer.Http;

/// <summary>What operators and verifiers ask of whole collections and groups: digests, vaults.</summary>
internal sealed class ScopeRoutes(WriterEngine engine)
{
    public async Task DigestAsync(HttpContext context)
    {
        var problem = MediaTypes.TryAccept(context.Request, out var form);
        problem ??= Queries.RefuseUnknown(context.Request);
        if (problem is not null)
        {
            await problem.AnswerAsync(context);
            return;
        }
        var target = RecordTarget.Of(context);
        var digest = await engine.Store.DigestAsync(target.Vault, target.Collection, context.RequestAborted);
        context.Response.Headers.CacheControl = "no-store";
        await DigestAnswer.WriteAsync(context, form, digest);
    }

    public async Task VaultsAsync(HttpContext context)
    {
        var request = context.Request;
        var problem = MediaTypes.TryAccept(request, out var form);
        problem ??= Queries.RefuseUnknown(request, "group", "after", "limit", "collection");
        var limit = Queries.LimitDefault;
        problem ??= Queries.TryLimit(request, out limit);
        string? group = null, after = null, collection = null;
        problem ??= Queries.TryName(request, "group", Names.CheckGroup, out group);
        problem ??= Queries.TryName(request, "after", Names.CheckVault, out after);
        problem ??= Queries.TryName(request, "collection", Names.CheckCollection, out collection);
        if (group is null) problem ??= CommonProblems.Malformed("Give group.");
        if (problem is not null)
        {
            await problem.AnswerAsync(context);
            return;
        }
        var page = await engine.Store.VaultsAsync(
            group!, new VaultsRequest(after, collection, limit), context.RequestAborted);
        await Answers.WriteAsync(context, form, page, TryWrite, Write);
    }

    private static bool TryWrite(Utf8JsonWriter json, VaultsPage page)
    {
        json.WriteStartObject();
        json.WriteNumber("history"u8, page.History.Value);
        json.WriteString("next"u8, NextOf(page));
        json.WriteStartArray("items"u8);
        foreach (var entry in page.Vaults)
        {
            json.WriteStartObject();
            json.WriteString("vault"u8, entry.Vault);
            json.WriteNumber("feed"u8, entry.Feed.Value);
            json.WriteNumber("last_position"u8, entry.LastPosition.Value);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        return true;
    }

    private static void Write(IBufferWriter<byte> output, VaultsPage page)
    {
        var writer = new MsgPackWriter(output);
        writer.WriteMapHeader(3);
        writer.WriteString("history"u8);
        writer.WriteInteger(page.History.Value);
        writer.WriteString("next"u8);
        writer.WriteStringOrNil(NextOf(page));
        writer.WriteString("items"u8);
        writer.WriteArrayHeader(page.Vaults.Count);
        foreach (var entry in page.Vaults)
        {
            writer.WriteMapHeader(3);
            writer.WriteString("vault"u8);
            writer.WriteString(entry.Vault);
            writer.WriteString("feed"u8);
            writer.WriteInteger(entry.Feed.Value);
            writer.WriteString("last_position"u8);
            writer.WriteInteger(entry.LastPosition.Value);
        }
        writer.Flush();
    }

    private static string? NextOf(VaultsPage page) => page.More && page.Vaults.Count > 0 ? page.Vaults[^1].Vault : null;
}
