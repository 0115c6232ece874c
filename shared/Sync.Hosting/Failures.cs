using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sync.Hosting;

/// <summary>Turns whatever goes wrong in a request into a problem answer. A client's mistake is an answer, not a log
/// entry; only a defect is logged as an error.</summary>
public static class Failures
{
    /// <summary>Must be the outermost middleware.</summary>
    /// <param name="app">The application.</param>
    /// <param name="logger">Takes defects.</param>
    /// <param name="translate">The problem of an exception that the application knows; null = not known.</param>
    /// <param name="unknownRouteDetail">What to say when a path is no route.</param>
    public static IApplicationBuilder UseProblemAnswers(
        this IApplicationBuilder app, ILogger logger, Func<Exception, Problem?> translate,
            string unknownRouteDetail) =>
        app.Use(next => async context =>
        {
            try
            {
                await next(context).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                await AnswerAsync(context, error, logger, translate).ConfigureAwait(false);
                return;
            }
            if (OfEmptyAnswer(context, unknownRouteDetail) is { } problem)
                await problem.AnswerAsync(context).ConfigureAwait(false);
        });

    private static async Task AnswerAsync(
        HttpContext context, Exception error, ILogger logger, Func<Exception, Problem?> translate)
    {
        // Nobody is there to read an answer.
        if (context.RequestAborted.IsCancellationRequested && error is OperationCanceledException or IOException)
            return;
        var problem = error switch
        {
            BadHttpRequestException bad => OfBadRequest(bad),
            // What the server says of a chunk whose size is beyond a number.
            IOException { InnerException: OverflowException } => CommonProblems.Malformed("The body's chunks cannot be read."),
            _ => translate(error),
        };
        if (problem is null)
        {
            HostingLog.Defect(logger, error, context.Request.Method, context.Request.Path);
            problem = CommonProblems.Internal;
        }
        if (context.Response.HasStarted)
        {
            // A half answer must not look like a whole one.
            context.Abort();
            return;
        }
        context.Response.Clear();
        await problem.AnswerAsync(context).ConfigureAwait(false);
    }

    private static Problem OfBadRequest(BadHttpRequestException error) => error.StatusCode switch
    {
        StatusCodes.Status413PayloadTooLarge =>
            CommonProblems.TooLarge("The body is over the limit of this route; send less."),
        StatusCodes.Status408RequestTimeout => CommonProblems.TooSlow("The body stopped coming; send it again."),
        StatusCodes.Status415UnsupportedMediaType => CommonProblems.UnsupportedMediaType(error.Message),
        _ => CommonProblems.Malformed(error.Message),
    };

    private static Problem? OfEmptyAnswer(HttpContext context, string unknownRouteDetail)
    {
        var response = context.Response;
        if (response.HasStarted || response.ContentType is not null || response.ContentLength is not null) return null;
        return response.StatusCode switch
        {
            StatusCodes.Status404NotFound => CommonProblems.UnknownRoute(unknownRouteDetail),
            StatusCodes.Status405MethodNotAllowed =>
                CommonProblems.MethodNotAllowed(context.Request.Method, response.Headers.Allow.ToString()),
            _ => null,
        };
    }
}
