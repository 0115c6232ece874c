using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Sync.Hosting;

/// <summary>State of one thing that a service needs.</summary>
public enum HealthState
{
    /// <summary>Fine.</summary>
    Ready,

    /// <summary>The service works, something is late or missing; traffic should still come.</summary>
    Degraded,

    /// <summary>The service cannot do its work now; traffic should go elsewhere.</summary>
    Failing,
}

/// <summary>One checked thing.</summary>
/// <param name="Name">Short name.</param>
/// <param name="State">Its state.</param>
/// <param name="Detail">For people; null = nothing to say.</param>
public readonly record struct HealthCheckLine(string Name, HealthState State, string? Detail);

/// <summary>Answers of <c>/healthz</c> and <c>/readyz</c>.</summary>
public static class Readiness
{
    /// <summary>Answers 200 when nothing fails, else 503; the body has the worst state and every line.</summary>
    public static async Task AnswerAsync(HttpContext context, IReadOnlyList<HealthCheckLine> lines)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(lines);
        var worst = lines.Count == 0 ? HealthState.Ready : lines.Max(line => line.State);
        context.Response.StatusCode = worst == HealthState.Failing
            ? StatusCodes.Status503ServiceUnavailable
            : StatusCodes.Status200OK;
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        var json = new Utf8JsonWriter(context.Response.BodyWriter);
        await using (json.ConfigureAwait(false)) Write(json, worst, lines);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private static void Write(Utf8JsonWriter json, HealthState worst, IReadOnlyList<HealthCheckLine> lines)
    {
        json.WriteStartObject();
        json.WriteString("status"u8, Text(worst));
        json.WriteStartObject("checks"u8);
        foreach (var line in lines)
        {
            json.WriteStartObject(line.Name);
            json.WriteString("status"u8, Text(line.State));
            if (line.Detail is not null) json.WriteString("detail"u8, line.Detail);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string Text(HealthState state) => state switch
    {
        HealthState.Ready => "ready",
        HealthState.Degraded => "degraded",
        _ => "failing",
    };
}
