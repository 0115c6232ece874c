using System.Buffers;
using System.Text.Json;
using Sync.Http.Json;
using Sync.Ledger;
using Sync.MessagePack;
using Sync.Writer.Json;

namespace Sync.Writer.Http;

/// <summary>Pages in both forms: <c>{feed, history, floor, position, next, items}</c>. <c>next</c> is what to give as
/// <c>after</c> (records, a key's facts) or <c>from</c> (a window) to read on; null = that was all.</summary>
internal static class Pages
{
    private const int Members = 6;

    public static bool TryWriteEnvelopes(Utf8JsonWriter json, FactPage page)
    {
        json.WriteStartObject();
        WriteStand(json, page);
        json.WriteString("next"u8, NextKey(page));
        json.WriteStartArray("items"u8);
        foreach (var fact in page.Facts)
            if (!EnvelopeJson.TryWrite(json, fact.ToEnvelope(page.History))) return false;
        json.WriteEndArray();
        json.WriteEndObject();
        return true;
    }

    public static void WriteEnvelopes(IBufferWriter<byte> output, FactPage page)
    {
        var writer = new MsgPackWriter(output);
        WriteStand(ref writer, page);
        writer.WriteString("next"u8);
        writer.WriteStringOrNil(NextKey(page));
        writer.WriteString("items"u8);
        writer.WriteArrayHeader(page.Facts.Count);
        writer.Flush();
        foreach (var fact in page.Facts) EnvelopeCodec.Default.Encode(fact.ToEnvelope(page.History), output);
    }

    public static bool TryWriteFacts(Utf8JsonWriter json, (FactPage Page, long? Next) part)
    {
        json.WriteStartObject();
        WriteStand(json, part.Page);
        if (part.Next is { } next) json.WriteNumber("next"u8, next);
        else json.WriteNull("next"u8);
        json.WriteStartArray("items"u8);
        foreach (var fact in part.Page.Facts)
            if (!FactJson.TryWrite(json, fact)) return false;
        json.WriteEndArray();
        json.WriteEndObject();
        return true;
    }

    public static void WriteFacts(IBufferWriter<byte> output, (FactPage Page, long? Next) part)
    {
        var writer = new MsgPackWriter(output);
        WriteStand(ref writer, part.Page);
        writer.WriteString("next"u8);
        if (part.Next is { } next) writer.WriteInteger(next);
        else writer.WriteNil();
        writer.WriteString("items"u8);
        writer.WriteArrayHeader(part.Page.Facts.Count);
        writer.Flush();
        foreach (var fact in part.Page.Facts) FactCodec.Encode(fact, output);
    }

    private static string? NextKey(FactPage page) => page.More && page.Facts.Count > 0 ? page.Facts[^1].Key.Key : null;

    private static void WriteStand(Utf8JsonWriter json, FactPage page)
    {
        json.WriteNumber("feed"u8, page.Feed.Value);
        json.WriteNumber("history"u8, page.History.Value);
        json.WriteNumber("floor"u8, page.Floor.Value);
        json.WriteNumber("position"u8, page.Position.Value);
    }

    private static void WriteStand(ref MsgPackWriter writer, FactPage page)
    {
        writer.WriteMapHeader(Members);
        writer.WriteString("feed"u8);
        writer.WriteInteger(page.Feed.Value);
        writer.WriteString("history"u8);
        writer.WriteInteger(page.History.Value);
        writer.WriteString("floor"u8);
        writer.WriteInteger(page.Floor.Value);
        writer.WriteString("position"u8);
        writer.WriteInteger(page.Position.Value);
    }
}
