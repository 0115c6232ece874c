using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Sync.Hosting;

/// <summary>An error answer by RFC 9457: a stable type for programs, a detail for people that says what to
/// do.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Code">Stable code, kebab-case; the <c>type</c> is <see cref="TypePrefix"/> and this.</param>
/// <param name="Title">The same for every problem of the type.</param>
/// <param name="Detail">What is wrong here and what to do.</param>
public sealed record Problem(int Status, string Code, string Title, string Detail)
{
    /// <summary>Every type starts so.</summary>
    public const string TypePrefix = "urn:sync:problem:";

    /// <summary>Media type of the answer.</summary>
    public const string MediaType = "application/problem+json";

    private static readonly JsonWriterOptions JsonOptions = new()
    {
        // An error answer is never part of a page: texts stay readable.
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>When to try again; null = the same request will not succeed later. Sent in whole seconds, at least
    /// 1.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Writes further members into the object; null = none.</summary>
    public Action<Utf8JsonWriter>? More { get; init; }

    /// <summary>Writes the object.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteStartObject();
        json.WriteString("type"u8, TypePrefix + Code);
        json.WriteString("title"u8, Title);
        json.WriteNumber("status"u8, Status);
        json.WriteString("detail"u8, Detail);
        if (RetryAfter is { } wait) json.WriteNumber("retry_after"u8, Seconds(wait));
        More?.Invoke(json);
        json.WriteEndObject();
    }

    /// <summary>Answers a request with it.</summary>
    /// <param name="context">The request; its answer must not have started.</param>
    public async Task AnswerAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var response = context.Response;
        response.StatusCode = Status;
        response.ContentType = MediaType;
        response.Headers.CacheControl = "no-store";
        if (RetryAfter is { } wait) response.Headers.RetryAfter = Seconds(wait).ToString(CultureInfo.InvariantCulture);
        if (HttpMethods.IsHead(context.Request.Method)) return;
        var json = new Utf8JsonWriter(response.BodyWriter, JsonOptions);
        await using (json.ConfigureAwait(false)) WriteTo(json);
        await response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private static long Seconds(TimeSpan wait) => Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds));
}

/// <summary>Problems that every service has.</summary>
public static class CommonProblems
{
    /// <summary>No route has this path.</summary>
    public static Problem UnknownRoute(string detail) => new(404, "unknown-route", "There is no such route", detail);

    /// <summary>The route does not take this method.</summary>
    public static Problem MethodNotAllowed(string method, string? allowed) => new(
        405, "method-not-allowed", "The route does not take this method",
            $"{method} is not allowed here; use {allowed}.");

    /// <summary>The request cannot be read.</summary>
    public static Problem Malformed(string detail) =>
        new(400, "malformed-request", "The request cannot be read", detail);

    /// <summary>The body is over a limit.</summary>
    public static Problem TooLarge(string detail) => new(413, "too-large", "The request is too large", detail);

    /// <summary>The body came too slowly or not at all.</summary>
    public static Problem TooSlow(string detail) => new(408, "too-slow", "The request came too slowly", detail);

    /// <summary>The body's media type is not taken here.</summary>
    public static Problem UnsupportedMediaType(string detail) =>
        new(415, "unsupported-media-type", "The media type is not taken here", detail);

    /// <summary>The request names a host that is not this service.</summary>
    public static Problem ForeignHost(string detail) =>
        new(421, "foreign-host", "The request is for another host", detail);

    /// <summary>A page of another origin sent an unsafe request.</summary>
    public static Problem ForeignOrigin(string detail) =>
        new(403, "foreign-origin", "The request comes from another origin", detail);

    /// <summary>A defect of the service.</summary>
    public static readonly Problem Internal = new(
        500, "internal-error", "The service failed", "This is a defect; the service's log says more at this time.");
}
