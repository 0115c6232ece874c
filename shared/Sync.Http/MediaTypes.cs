using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Sync.Hosting;

namespace Sync.Http;

/// <summary>The two forms of bodies.</summary>
public enum BodyForm
{
    /// <summary>JSON in UTF-8.</summary>
    Json,

    /// <summary>MessagePack.</summary>
    MessagePack,
}

/// <summary>Content negotiation: JSON unless MessagePack is asked for or sent.</summary>
public static class MediaTypes
{
    /// <summary>The default form.</summary>
    public const string Json = "application/json";
    /// <summary>The exact form.</summary>
    public const string MessagePack = "application/msgpack";
    /// <summary>A stream of JSON objects, one a line.</summary>
    public const string Ndjson = "application/x-ndjson";

    private static readonly MediaTypeHeaderValue JsonType = new(Json);
    private static readonly MediaTypeHeaderValue MessagePackType = new(MessagePack);

    /// <summary>The media type of a form.</summary>
    public static string NameOf(BodyForm form) => form == BodyForm.Json ? Json : MessagePack;

    /// <summary>The form to answer in. Of two that are equally welcome JSON wins, unless MessagePack is the one named
    /// exactly.</summary>
    /// <returns>Null when one is acceptable.</returns>
    public static Problem? TryAccept(HttpRequest request, out BodyForm form)
    {
        ArgumentNullException.ThrowIfNull(request);
        form = BodyForm.Json;
        request.HttpContext.Response.Headers.Vary = "Accept";
        var accept = request.Headers.Accept;
        if (accept.Count == 0 || (accept.Count == 1 && accept[0] is "*/*" or Json)) return null;
        if (accept.Count == 1 && accept[0] == MessagePack)
        {
            form = BodyForm.MessagePack;
            return null;
        }
        if (!MediaTypeHeaderValue.TryParseList(accept, out var ranges))
            return CommonProblems.Malformed("Accept cannot be read; give media types like application/json.");
        var json = QualityOf(ranges, JsonType);
        var messagePack = QualityOf(ranges, MessagePackType);
        if (json.Quality <= 0 && messagePack.Quality <= 0)
            return RecordProblems.NotAcceptable($"Ask for {Json} or {MessagePack}.");
        if (messagePack.CompareTo(json) > 0) form = BodyForm.MessagePack;
        return null;
    }

    /// <summary>The form of the request's body; without a content type it is JSON.</summary>
    /// <returns>Null when it is one of the two.</returns>
    public static Problem? TryContent(HttpRequest request, out BodyForm form)
    {
        ArgumentNullException.ThrowIfNull(request);
        form = BodyForm.Json;
        var contentType = request.ContentType;
        if (contentType is null or Json) return null;
        if (contentType == MessagePack)
        {
            form = BodyForm.MessagePack;
            return null;
        }
        if (MediaTypeHeaderValue.TryParse(contentType, out var type) && IsUtf8(type))
        {
            if (type.MediaType.Equals(Json, StringComparison.OrdinalIgnoreCase)) return null;
            form = BodyForm.MessagePack;
            if (type.MediaType.Equals(MessagePack, StringComparison.OrdinalIgnoreCase)) return null;
        }
        return CommonProblems.UnsupportedMediaType($"Send {Json} in UTF-8, or {MessagePack}.");
    }

    /// <summary>True when the request's body is a stream of JSON objects.</summary>
    public static bool IsNdjson(HttpRequest request) =>
        request?.ContentType == Ndjson
        || (MediaTypeHeaderValue.TryParse(request?.ContentType, out var type) && IsUtf8(type)
            && type.MediaType.Equals(Ndjson, StringComparison.OrdinalIgnoreCase));

    private static bool IsUtf8(MediaTypeHeaderValue type) =>
        !type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase);

    // The most specific range that covers a type decides its quality; how specific it is breaks ties between types.
    private static (double Quality, int Specific) QualityOf(IList<MediaTypeHeaderValue> ranges,
        MediaTypeHeaderValue type)
    {
        var best = (Quality: 0.0, Specific: -1);
        foreach (var range in ranges)
        {
            if (!type.IsSubsetOf(range)) continue;
            var specific = range.MatchesAllTypes ? 0 : range.MatchesAllSubTypes ? 1 : 2;
            if (specific > best.Specific) best = (range.Quality ?? 1, specific);
        }
        return best;
    }
}
